package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotSocket says that the socket's path is taken by something that is not ours to remove.
var ErrNotSocket = errors.New("not a stream socket")

// RunningError says that the socket's path is in use by a living process.
type RunningError struct {
	Path string
	PID  int  // 0: unknown
	Ours bool // it holds our lock, so it is an ebbgate
}

// Error names the process and what to do.
func (e *RunningError) Error() string {
	who := "another process answers"
	if e.Ours {
		who = "another ebbgate runs"
	}
	if e.PID != 0 {
		who += fmt.Sprintf(", pid %d", e.PID)
	}
	return fmt.Sprintf("listen at %q: %s: stop it (systemctl stop ebbgate) or set another control.socket", e.Path, who)
}

// probeTimeout bounds the question whether somebody is there. Connecting to a unix socket needs
// no cooperation of the listener, so a stopped daemon is found alive as well.
const probeTimeout = time.Second

// vacate makes path free to bind: it removes the socket of a dead daemon, or a link to such a one, and
// refuses to touch anything else.
func vacate(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at control socket: %w", err)
	}
	if info.Mode().Type() == fs.ModeSymlink {
		switch to, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			return removeDead(path)
		case err == nil:
			info = to
		}
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen at %q: %w (mode %s): remove it or set another control.socket", path, ErrNotSocket, info.Mode())
	}
	pid, err := answering(path)
	switch {
	case err == nil || errors.Is(err, unix.EAGAIN): // EAGAIN: its backlog is full
		return &RunningError{Path: path, PID: pid}
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPROTOTYPE):
		return fmt.Errorf("listen at %q: %w: remove it or set another control.socket", path, ErrNotSocket)
	case !errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("ask who is at control socket: %w", err)
	}
	return removeDead(path)
}

func removeDead(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove control socket of a dead daemon: %w", err)
	}
	return nil
}

// answering returns the pid of the process that listens at path (SO_PEERCRED of a client is the
// process that called listen, unix(7)), or why nobody does.
func answering(path string) (pid int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if p, err := (kernelCredentials{}).peer(c); err == nil {
		pid = int(p.PID)
	}
	return pid, nil
}
