package nspawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// prefix begins the names of all directories and control groups of this package.
const prefix = "ebbgate-nspawn-"

// place is a directory for temporary files and a control group. Both are locked as long as the place is in
// use, which ends with the process at the latest.
type place struct {
	dir   string
	group group
	locks [2]*os.File
}

// newPlace removes what runs that were killed have left, and makes a place. Where that is not permitted
// the test is skipped, and fails with CI set.
func newPlace(tb testing.TB) place {
	tb.Helper()
	mount, _ := nstest.Cgroup(tb)
	if err := errors.Join(sweep(mount, func(path string) error { return group(path).remove() }),
		sweep(os.TempDir(), os.RemoveAll)); err != nil {
		tb.Logf("what an earlier run has left: %v", err)
	}
	p, err := makePlace(os.TempDir(), mount)
	if err != nil {
		nstest.Refuse(tb, err)
	}
	return p
}

func makePlace(temp, mount string) (p place, err error) {
	if p.locks[0], err = claim(temp); err != nil {
		return place{}, err
	}
	p.dir = p.locks[0].Name()
	if p.locks[1], err = claim(mount); err != nil {
		return place{}, errors.Join(err, p.remove())
	}
	p.group = group(p.locks[1].Name())
	// Others than root read in it: the user that apt fetches packages as.
	if err := errors.Join(os.Chmod(p.dir, 0o755), p.group.make()); err != nil {
		return place{}, errors.Join(err, p.remove())
	}
	return p, nil
}

// remove ends all processes of the place and removes its files.
func (p place) remove() (err error) {
	if p.group != "" {
		err = p.group.remove()
	}
	err = errors.Join(err, os.RemoveAll(p.dir))
	for _, f := range p.locks {
		_ = f.Close() // none, or closed by an earlier call
	}
	return err
}

// claim makes a directory that no sweep removes before it is closed.
func claim(parent string) (*os.File, error) {
	unlock, err := lock(parent, os.O_RDONLY) // no sweep sees it before it is locked
	if err != nil {
		return nil, err
	}
	defer unlock()
	path, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close(), os.Remove(path))
	}
	return f, nil
}

// sweep removes what claim has made in a directory and no process holds any more.
func sweep(parent string, remove func(path string) error) error {
	unlock, err := lock(parent, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look for what an earlier run has left: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		f, err := os.Open(filepath.Join(parent, e.Name()))
		if err != nil {
			continue // removed by its own process
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			errs = append(errs, remove(f.Name()))
		}
		_ = f.Close()
	}
	return errors.Join(errs...)
}
