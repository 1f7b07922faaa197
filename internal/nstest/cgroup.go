package nstest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Cgroup returns where control groups of version 2 are mounted, and the one this process is in. Where they
// are not, the test is skipped, and fails with CI set.
func Cgroup(tb testing.TB) (mount, own string) {
	tb.Helper()
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if p, ok := strings.CutPrefix(line, "0::"); ok {
			own = strings.TrimSpace(p)
		}
	}
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var at unix.Statfs_t
		if own != "" && unix.Statfs(root, &at) == nil && at.Type == unix.CGROUP2_SUPER_MAGIC {
			return root, own
		}
	}
	if os.Getenv("CI") != "" {
		tb.Fatal("no control groups of version 2 are mounted")
	}
	tb.Skip("no control groups of version 2 are mounted")
	return "", ""
}

// InCgroup runs f while this process is in a control group made for it, as a socket belongs to the group in
// which it was made. It returns what removes again the groups it made. Where groups may not be made the
// test is skipped, and fails with CI set.
func InCgroup(tb testing.TB, group string, f func()) (remove func()) {
	tb.Helper()
	mount, home := Cgroup(tb)
	var made []string
	for at := group; at != "/"; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(mount, at)); errors.Is(err, fs.ErrNotExist) {
			made = append(made, filepath.Join(mount, at))
		}
	}
	remove = func() {
		for _, dir := range made {
			// Another run of these tests may use a slice we made.
			if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTEMPTY) {
				tb.Errorf("remove %s: %v", dir, err)
			}
		}
	}
	move := func(g string) error {
		return os.WriteFile(filepath.Join(mount, g, "cgroup.procs"), []byte(fmt.Sprint(os.Getpid())), 0)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(mount, group), 0o755), move(group)); err != nil {
		remove()
		Refuse(tb, fmt.Errorf("make control groups: %w", err))
	}
	defer func() {
		if err := move(home); err != nil {
			tb.Error(err)
		}
	}()
	f()
	return remove
}

// Refuse ends a test that cannot go on: it is skipped if the machine does not permit what it takes, unless
// the environment has CI set.
func Refuse(tb testing.TB, err error) {
	tb.Helper()
	if (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}
