package control

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := acquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acquireLock(path); !errors.Is(err, errLocked) {
		t.Errorf("second lock: got %v, want errLocked", err)
	}
	if err := l.release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	l, err = acquireLock(path)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	if err := l.release(); err != nil {
		t.Error(err)
	}
}

func TestLockIsNotFooledByRemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := acquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else's file in our place is not ours to remove.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.release(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "theirs" {
		t.Errorf("got %q, %v; want the file left alone", b, err)
	}
}

func TestLockRefusesSymlink(t *testing.T) {
	dir := t.TempDir()
	path, target := filepath.Join(dir, "x.lock"), filepath.Join(dir, "target")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if _, err := acquireLock(path); err == nil {
		t.Error("followed a symbolic link")
	}
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		t.Error("made a file where the link points")
	}
}

// TestLockUnderRaces has many contenders lock and release as fast as they can: never two at once,
// and now and then each of the two outcomes.
func TestLockUnderRaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	var holders, got, missed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 400 {
				l, err := acquireLock(path)
				if errors.Is(err, errLocked) {
					missed.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				got.Add(1)
				holders.Add(-1)
				if err := l.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("got %d, missed %d", got.Load(), missed.Load())
	if got.Load() == 0 {
		t.Error("nobody ever got the lock")
	}
}
