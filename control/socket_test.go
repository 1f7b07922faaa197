package control

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// shortDir is a directory whose name leaves room in sun_path.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ebb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func mustListen(t *testing.T, path, group string) *Socket {
	t.Helper()
	s, err := Listen(path, group)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names lists a directory.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// dead leaves a socket that nobody listens on.
func dead(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestListenReplacesWhatDeadDaemonsLeft(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	dead(t, path)
	dead(t, path+newSuffix) // killed between the two names
	if err := os.WriteFile(path+lockSuffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustListen(t, path, "")
	if got := names(t, dir); got != "s s.lock" {
		t.Errorf("directory has %q", got)
	}
	if pid, err := answering(path); err != nil || pid != os.Getpid() {
		t.Errorf("answering: pid %d, %v; want %d", pid, err, os.Getpid())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %q", got)
	}
}

func TestListenRefusesLivingDaemon(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s := mustListen(t, path, "")
	defer func() { _ = s.Close() }()
	_, err := Listen(path, "")
	want := RunningError{Path: path, PID: os.Getpid(), Ours: true}
	if running := (*RunningError)(nil); !errors.As(err, &running) || *running != want {
		t.Fatalf("got %v, want %v", err, &want)
	}
	if !strings.Contains(err.Error(), "another ebbgate runs, pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("message: %v", err)
	}

	// The lock excludes even when the file is gone and nobody can be asked for the pid.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path, "")
	want.PID = 0
	if running := (*RunningError)(nil); !errors.As(err, &running) || *running != want {
		t.Errorf("without the file: got %v, want %v", err, &want)
	}
}

func TestListenRefusesForeignListener(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Listen(path, "")
	if running := (*RunningError)(nil); !errors.As(err, &running) || running.Ours || running.PID != os.Getpid() {
		t.Errorf("got %v, want a RunningError that does not claim an ebbgate", err)
	}
	if got := names(t, dir); got != "s" {
		t.Errorf("directory has %q, want the foreign socket only", got)
	}
}

// TestListenSeesFullBacklog is about a daemon that hangs: nobody accepts, connect(2) says EAGAIN.
func TestListenSeesFullBacklog(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	full := false
	for range 16 {
		c, err := net.Dial("unix", path)
		if err != nil {
			full = errors.Is(err, unix.EAGAIN)
			break
		}
		defer func() { _ = c.Close() }()
	}
	if !full {
		t.Fatal("the backlog did not fill")
	}
	_, err = Listen(path, "")
	if running := (*RunningError)(nil); !errors.As(err, &running) {
		t.Errorf("got %v, want a RunningError", err)
	}
}

func TestListenLeavesOtherThingsAlone(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"regular file":   func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"directory":      func(path string) error { return os.Mkdir(path, 0o700) },
		"link to a file": func(path string) error { return os.Symlink("/etc/passwd", path) },
		"link to itself": func(path string) error { return os.Symlink(path, path) },
		"fifo":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"datagram socket": func(path string) error {
			_, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			path := filepath.Join(dir, "s")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Listen(path, ""); !errors.Is(err, ErrNotSocket) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("got %v, want ErrNotSocket with advice", err)
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("it was touched: %v", err)
			}
			if got := names(t, dir); got != "s" {
				t.Errorf("directory has %q", got)
			}
		})
	}
}

func TestListenPath(t *testing.T) {
	dir := shortDir(t)
	long := filepath.Join(dir, strings.Repeat("x", maxPath-len(dir)-1))
	if err := mustListen(t, long, "").Close(); err != nil {
		t.Error(err)
	}
	for name, path := range map[string]string{"too long": long + "x", "empty": "", "two directories missing": filepath.Join(dir, "a", "b", "s")} {
		if _, err := Listen(path, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %q", got)
	}
}

func TestListenMakesTheParent(t *testing.T) {
	dir := filepath.Join(shortDir(t), "run")
	s := mustListen(t, filepath.Join(dir, "s"), "")
	defer func() { _ = s.Close() }()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v; want mode 0755", info.Mode(), err)
	}
}

func TestListenModeAndGroup(t *testing.T) {
	own, err := user.LookupGroupId(strconv.Itoa(os.Getgid()))
	if err != nil {
		t.Skipf("the test's own group has no name: %v", err)
	}
	for _, tt := range []struct {
		name, group string
		mode        fs.FileMode
		warning     string
	}{
		{"no group", "", 0o600, ""},
		{"group", own.Name, 0o660, ""},
		{"no such group", "ebbgate-none", 0o600, `control.view_group "ebbgate-none" does not exist`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "s")
			s := mustListen(t, path, tt.group)
			defer func() { _ = s.Close() }()
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != tt.mode {
				t.Errorf("mode %o, want %o", got, tt.mode)
			}
			if got := int(info.Sys().(*syscall.Stat_t).Gid); got != os.Getgid() {
				t.Errorf("group %d, want %d", got, os.Getgid())
			}
			if (s.Warning() == "") != (tt.warning == "") || !strings.Contains(s.Warning(), tt.warning) {
				t.Errorf("warning %q, want %q", s.Warning(), tt.warning)
			}
		})
	}
}

func TestCloseRemovesOnlyItsOwn(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	s := mustListen(t, path, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	dead(t, path)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); got != "s" {
		t.Errorf("directory has %q, want the other socket", got)
	}
	if err := s.Close(); err == nil {
		t.Error("the second Close is silent")
	}
}

// TestListenUnderRaces starts daemons against one another over the socket of a dead one: at most
// one lives at any time, and the others are told so.
func TestListenUnderRaces(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	dead(t, path)
	var living, started atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 60 {
				s, err := Listen(path, "")
				if running := (*RunningError)(nil); errors.As(err, &running) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := living.Add(1); n != 1 {
					t.Errorf("%d daemons at once", n)
				}
				if pid, err := answering(path); err != nil || pid != os.Getpid() {
					t.Errorf("the living daemon does not answer: pid %d, %v", pid, err)
				}
				started.Add(1)
				living.Add(-1)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if started.Load() == 0 {
		t.Error("no daemon ever started")
	}
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %q", got)
	}
}
