package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// firstStored is the first descriptor handed over (SD_LISTEN_FDS_START of sd_listen_fds(3)).
	firstStored = 3
	// mostStored bounds what is believed of LISTEN_FDS.
	mostStored = 512
)

// TakeStored returns the descriptor which an earlier run left with the service manager under a name,
// or -1 if there is none (LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID of sd_listen_fds(3)). Whatever else
// was handed over is closed, further ones of the name too. The descriptor is the caller's, and no child
// inherits it. Call it once, and early: it removes the variables, so that a second call finds nothing, and
// believes LISTEN_FDS about which descriptors are not the process's own.
func TakeStored(name string) (int, error) {
	count, names, pid := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"), os.Getenv("LISTEN_PID")
	for _, v := range []string{"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"} {
		if err := os.Unsetenv(v); err != nil {
			return -1, fmt.Errorf("take stored descriptors: %w", err)
		}
	}
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return -1, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > mostStored {
		return -1, fmt.Errorf("take stored descriptors: LISTEN_FDS is %q, 0 to %d are allowed", count, mostStored)
	}
	taken, given := -1, strings.Split(names, ":")
	for i := range n {
		fd := firstStored + i
		if taken < 0 && i < len(given) && given[i] == name {
			unix.CloseOnExec(fd)
			taken = fd
			continue
		}
		_ = unix.Close(fd) // not open, or of no use
	}
	return taken, nil
}
