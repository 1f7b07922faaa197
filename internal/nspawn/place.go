package nspawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// place is a directory for temporary files and a control group, both of the same name.
type place struct {
	dir   string
	group group
}

// newPlace removes what runs that were killed have left, and makes a place. Where that is not permitted
// the test is skipped, and fails with CI set.
func newPlace(tb testing.TB) place {
	tb.Helper()
	mount, _ := nstest.Cgroup(tb)
	if err := errors.Join(sweep(os.TempDir(), func(path string) error { return os.RemoveAll(path) }),
		sweep(mount, func(path string) error { return group(path).remove() })); err != nil {
		tb.Logf("what an earlier run has left: %v", err)
	}
	p, err := makePlace(os.TempDir(), mount)
	if err != nil {
		refuse(tb, err)
	}
	return p
}

func makePlace(temp, mount string) (p place, err error) {
	pattern, err := ownName(os.Getpid())
	if err != nil {
		return place{}, err
	}
	if p.dir, err = os.MkdirTemp(temp, pattern); err != nil {
		return place{}, err
	}
	p.group = group(filepath.Join(mount, filepath.Base(p.dir)))
	// Others than root read in it: the user that apt fetches packages as.
	if err := errors.Join(os.Chmod(p.dir, 0o755), p.group.make()); err != nil {
		return place{}, errors.Join(err, p.remove())
	}
	return p, nil
}

// remove ends all processes of the place and removes its files.
func (p place) remove() error {
	return errors.Join(p.group.remove(), os.RemoveAll(p.dir))
}

// sweep removes what is in dir and belongs to a process that has ended.
func sweep(dir string, remove func(path string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for what an earlier run has left: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if orphaned(e.Name()) {
			errs = append(errs, remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// refuse ends a test that cannot go on: it is skipped if the machine does not permit what it takes, unless
// the environment has CI set.
func refuse(tb testing.TB, err error) {
	tb.Helper()
	if (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}
