package nspawn

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// archive returns the path of the suite's root file system as a tar file. It is made if there is none;
// whoever wants it at the same time waits. Those made by another recipe are removed then.
func archive(tb testing.TB, suite Suite) (string, error) {
	bin, err := cache()
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(bin, "rootfs-"+string(suite)+".lock"), os.O_CREATE|os.O_RDWR)
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(bin, archiveName(suite, recipe()))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := makeArchive(tb, suite, path); err != nil {
		return "", fmt.Errorf("make a root file system of %s: %w", suite, err)
	}
	return path, prune(bin, suite, path)
}

// prune removes the suite's root file systems by other recipes, and what was left half made.
func prune(bin string, suite Suite, keep string) error {
	all, err := filepath.Glob(filepath.Join(bin, "rootfs-"+string(suite)+"-*"))
	for _, path := range all {
		if path != keep {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// archiveName changes with what is in it.
func archiveName(suite Suite, recipe []string) string {
	sum := sha256.Sum256([]byte(strings.Join(recipe, "\n")))
	return fmt.Sprintf("rootfs-%s-%x.tar", suite, sum[:6])
}

// cache returns the checkout's bin/, which git ignores.
func cache() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the checkout: go env GOMOD: %w", err)
	}
	bin := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "bin")
	return bin, os.MkdirAll(bin, 0o755)
}

// lock waits for a lock on a file or directory, opened with these flags. The kernel gives it back when the
// process ends in whatever way.
func lock(path string, flags int) (unlock func(), err error) {
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

// makeArchive runs mmdebstrap, which mounts within what it makes, so in a mount namespace of its own.
func makeArchive(tb testing.TB, suite Suite, path string) (err error) {
	p := newPlace(tb)
	defer func() { err = errors.Join(err, p.remove()) }()
	in, err := p.group.workers().open()
	if err != nil {
		return err
	}
	defer in.Close()
	part := path + ".part"
	cmd := exec.Command("mmdebstrap", slices.Concat([]string{"--quiet"}, recipe(), []string{string(suite), part}, mirror())...)
	cmd.Env = append(os.Environ(), "TMPDIR="+p.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, UseCgroupFD: true, CgroupFD: int(in.Fd())}
	tb.Logf("making a root file system of %s, once", suite)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w (scripts/tools installs what is missing)\n%s", err, out)
	}
	return os.Rename(part, path)
}

// mirror returns the address of the archive that this machine's apt takes Debian from; nothing if there
// is none, and mmdebstrap then takes its own.
func mirror() []string {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Origin: Debian", "Label: Debian").Output()
	if err != nil {
		return nil
	}
	uri, _, _ := bytes.Cut(out, []byte("\n"))
	if len(uri) == 0 {
		return nil
	}
	return []string{string(uri)}
}

// unpack lays the root file system out in dir. Device files are left out: a machine has its own.
func unpack(archive, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	out, err := exec.Command("tar", "--extract", "--numeric-owner", "--exclude=./dev/*", "--directory="+dir, "--file="+archive).CombinedOutput()
	if err != nil {
		return fmt.Errorf("unpack %s: %w\n%s", archive, err, out)
	}
	return nil
}
