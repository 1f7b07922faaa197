package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f in a thread whose user is nobody, if it is root now: to the kernel and to
// nothing else, and nobody can go back from there, so that the thread ends with f.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: the thread goes with the goroutine
		if os.Geteuid() != 0 {
			f()
			done <- nil
			return
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, 65534, 65534, 65534); errno != 0 {
			done <- errno
			return
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			done <- errno
			return
		}
		f()
		done <- nil
	}()
	must(t, <-done)
}

// TestHowToReadWhatTheUserMayNot has a policy put in place under a umask of 077, as editors and tools do
// that write another file and rename it.
func TestHowToReadWhatTheUserMayNot(t *testing.T) {
	dir, err := os.MkdirTemp("", "ebb")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "config.toml")
	put(t, path, enforcing)
	must(t, os.Chmod(path, 0))
	asNobody(t, func() {
		_, _, err := ReadPolicy(path)
		got := HowToRead(path, err)
		if !errors.Is(got, fs.ErrPermission) {
			t.Errorf("%v", got)
			return
		}
		name, group := userName(os.Geteuid()), groupName(os.Getegid())
		want := fmt.Sprintf("%v: the daemon runs as user %s and must be able to read it, and to enter its directories: chgrp %s %s; chmod 640 %s",
			err, name, group, path, path)
		if got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestHowToReadOtherErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "config.toml")
	_, _, err := ReadPolicy(missing)
	if got := HowToRead(missing, err); !errors.Is(got, fs.ErrNotExist) || !strings.HasSuffix(got.Error(), ": put a policy there (ebbgate check FILE tells whether it is good)") {
		t.Errorf("a file that is missing: %v", got)
	}
	for _, err := range []error{nil, errors.New("x"), &fs.PathError{Op: "open", Path: missing, Err: unix.ELOOP}} {
		if got := HowToRead(missing, err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestNamesOfTheNameless(t *testing.T) {
	const nameless = 3_999_999_999
	if user, group := userName(nameless), groupName(nameless); user != fmt.Sprint(nameless) || group != fmt.Sprint(nameless) {
		t.Errorf("user %q, group %q, want the number", user, group)
	}
	if got := userName(0); got != "root" {
		t.Errorf("user 0 is %q", got)
	}
}
