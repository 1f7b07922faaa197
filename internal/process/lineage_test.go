package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// stat is a line of proc_pid_stat(5).
func stat(pid, parent int) string {
	return fmt.Sprintf("%d (a name) with) brackets) S %d %s\n", pid, parent, strings.Repeat("0 ", 48))
}

func TestLineageOfAMadeUpProc(t *testing.T) {
	with := func(pid, parent int, inode string) proc {
		return proc{pid, map[string]string{"stat": stat(pid, parent)}, map[string]string{"fd/3": "socket:[" + inode + "]"}}
	}
	root := makeProc(t, with(1, 0, "1"), with(10, 1, "10"), with(20, 10, "20"), with(30, 20, "30"), with(31, 20, "31"), with(40, 40, "40"),
		proc{50, map[string]string{"stat": "nonsense"}, map[string]string{"fd/3": "socket:[50]"}})
	tests := []struct {
		pid  int
		want []uint32
	}{
		{30, []uint32{10, 20, 30}}, {1, nil}, {40, []uint32{40}}, {50, []uint32{50}}, {99, nil},
	}
	for _, tt := range tests {
		got, err := lineage(t.Context(), root, tt.pid)
		if err != nil {
			t.Errorf("of %d: %v", tt.pid, err)
		}
		if found := slices.Sorted(maps.Keys(got)); !slices.Equal(found, tt.want) {
			t.Errorf("of %d: got %v, want %v", tt.pid, found, tt.want)
		}
	}
}

func TestUnheld(t *testing.T) {
	const kernelStat = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	root := makeProc(t, proc{2, map[string]string{"stat": kernelStat}, nil}, proc{3, map[string]string{"stat": stat(3, 1)}, nil},
		proc{4, map[string]string{"stat": strings.Replace(stat(4, 1), ") S ", ") Z ", 1)}, nil}, proc{5, nil, nil})
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	for pid, want := range map[int]bool{2: true, 3: false, 4: true, 5: false} {
		p, err := fs.Proc(pid)
		if err != nil {
			t.Fatal(err)
		}
		if got := unheld(p); got != want {
			t.Errorf("process %d: got %v", pid, got)
		}
	}
}

func TestLineageFails(t *testing.T) {
	if _, err := lineage(t.Context(), "/nonexistent", 5); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without /proc: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := makeProc(t, proc{5, nil, map[string]string{"fd/3": "socket:[5]"}})
	if _, err := lineage(ctx, root, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestKernelLineageHasOurSockets(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	got, err := Lineage(t.Context())
	if _, ok := got[inodeOf(t, fd)]; !ok || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// becomeNobody gives up the user of the test's thread, and of it alone. The thread ends with the
// test. In a user namespace without a second user the kernel says EINVAL.
func becomeNobody(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	const nobody = 65534
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
	if (errno == unix.EPERM || errno == unix.EINVAL) && os.Getenv("CI") == "" {
		t.Skip("not permitted to become another user")
	}
	if errno != 0 {
		t.Fatalf("become another user: %v", errno)
	}
}

// Whoever lacks the privilege sees its own process and is told how many others it did not see,
// threads of the kernel not among them.
func TestKernelHiddenProcesses(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	becomeNobody(t)
	inode := inodeOf(t, fd)
	got, hidden, err := Holders(t.Context(), set(inode))
	if err != nil {
		t.Fatal(err)
	}
	if len(got[inode]) != 1 || got[inode][0].PID != os.Getpid() {
		t.Errorf("got %v, want this process", got)
	}
	if parent := os.Getppid(); parent > 0 && hidden == 0 {
		t.Error("no process is hidden from nobody")
	}
}
