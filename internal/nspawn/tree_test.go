package nspawn

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

func TestArchiveName(t *testing.T) {
	a := archiveName(Bookworm, []string{"a", "b"})
	if b := archiveName(Bookworm, []string{"a", "b"}); a != b {
		t.Errorf("%s, then %s", a, b)
	}
	for _, b := range []string{archiveName(Trixie, []string{"a", "b"}), archiveName(Bookworm, []string{"a"}), archiveName(Bookworm, []string{"a", "c"})} {
		if a == b {
			t.Errorf("%s stands for another root file system, too", a)
		}
	}
	if !strings.HasPrefix(a, "rootfs-bookworm-") || !strings.HasSuffix(a, ".tar") {
		t.Errorf("the name is %s", a)
	}
}

func TestCacheIsTheCheckouts(t *testing.T) {
	bin, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(bin), "go.mod")); err != nil || filepath.Base(bin) != "bin" {
		t.Errorf("the cache is %s: %v", bin, err)
	}
}

func TestLockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		unlock, err := lock(path, os.O_CREATE|os.O_RDWR)
		if err == nil {
			unlock()
		}
		second <- err
	}()
	select {
	case err := <-second:
		t.Errorf("a lock that is held was given away: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
	if _, err := lock(filepath.Join(path, "none"), os.O_CREATE|os.O_RDWR); err == nil {
		t.Error("a lock that cannot be was given away")
	}
}

// TestMirrorIsWhole: what is not an address would be taken by mmdebstrap for one.
func TestMirrorIsWhole(t *testing.T) {
	for _, uri := range mirror() {
		if !strings.Contains(uri, ":/") || strings.ContainsAny(uri, " \n") {
			t.Errorf("the mirror is %q", uri)
		}
	}
}

// TestArchiveIsKept wants the very file again, and those of other packages gone.
func TestArchiveIsKept(t *testing.T) {
	first, err := archive(t, Bookworm)
	if err != nil {
		nstest.Refuse(t, err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := archive(t, Bookworm)
	if err != nil || second != first {
		t.Fatalf("%s, then %s: %v", first, second, err)
	}
	after, err := os.Stat(second)
	if err != nil || !after.ModTime().Equal(before.ModTime()) || !os.SameFile(before, after) {
		t.Errorf("it was made again: %v", err)
	}
}

func TestPrune(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"rootfs-trixie-1.tar", "rootfs-trixie-2.tar", "rootfs-trixie-3.tar.part", "rootfs-trixie.lock", "rootfs-bookworm-1.tar", "ebbgate"} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := prune(bin, Trixie, filepath.Join(bin, "rootfs-trixie-2.tar")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"ebbgate", "rootfs-bookworm-1.tar", "rootfs-trixie-2.tar", "rootfs-trixie.lock"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

func TestUnpack(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "tree")
	for _, name := range []string{"dev/null", "etc/dev/null", "etc/hostname"} {
		path := filepath.Join(from, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	tar := filepath.Join(t.TempDir(), "a.tar")
	if out, err := exec.Command("tar", "-C", from, "-cf", tar, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := unpack(tar, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"dev": true, "dev/null": false, "etc/dev/null": true, "etc/hostname": true} {
		if _, err := os.Stat(filepath.Join(to, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := unpack(tar, to); err == nil {
		t.Error("it was laid out over another")
	}
	if err := unpack("/nonsense", to+"2"); err == nil || !strings.Contains(err.Error(), "/nonsense") {
		t.Errorf("unpacking nothing: %v", err)
	}
}
