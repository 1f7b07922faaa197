package crowd

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// socketMemory is what one socket of a crowd costs, in bytes: some 3,500 on Linux 6.18 for socket,
// inode, dentry, file, bind bucket and its share of a worker, and the rest to spare.
const socketMemory = 5 << 10

// Affordable returns how many of the wanted sockets this machine can give without pressure: they
// take at most half of the memory that is available and half of the open files that are left. If
// that is less than what is wanted, why says so.
func Affordable(wanted int) (sockets int, why string, err error) {
	memory, err := availableMemory()
	if err != nil {
		return 0, "", err
	}
	files, err := filesLeft()
	if err != nil {
		return 0, "", err
	}
	sockets, why = afford(wanted, memory, files)
	return sockets, why, nil
}

// afford is Affordable on given means: bytes of memory and open files.
func afford(wanted int, memory, files uint64) (sockets int, why string) {
	byMemory, byFiles := memory/2/socketMemory, files/2
	most := min(byMemory, byFiles) &^ 1
	if uint64(wanted) <= most {
		return wanted, ""
	}
	if byFiles < byMemory {
		return int(most), fmt.Sprintf("%d sockets instead of %d: fs.file-max leaves %d open files", most, wanted, files)
	}
	return int(most), fmt.Sprintf("%d sockets instead of %d: they would need %d MiB, half of what is available are %d MiB",
		most, wanted, wanted*socketMemory>>20, memory/2>>20)
}

// availableMemory reads MemAvailable, in bytes (proc_meminfo(5)).
func availableMemory() (uint64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read available memory: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib uint64
		if strings.HasPrefix(lines.Text(), "MemAvailable:") {
			if _, err := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); err != nil {
				return 0, fmt.Errorf("read available memory: %q: %w", lines.Text(), err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("read available memory: /proc/meminfo has no MemAvailable")
}

// filesLeft reads how many more files the system may have open (proc_sys_fs(5), file-nr).
func filesLeft() (uint64, error) {
	b, err := os.ReadFile("/proc/sys/fs/file-nr")
	if err != nil {
		return 0, fmt.Errorf("read open files: %w", err)
	}
	var used, free, most uint64
	if _, err := fmt.Sscan(string(b), &used, &free, &most); err != nil {
		return 0, fmt.Errorf("read open files: %q: %w", b, err)
	}
	return most - min(used, most), nil
}
