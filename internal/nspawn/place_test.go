package nspawn

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSweep: what is held stays, whoever holds it, and so does what others have made.
func TestSweep(t *testing.T) {
	parent := t.TempDir()
	held, err := claim(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	given, err := claim(parent)
	if err != nil {
		t.Fatal(err)
	}
	given.Close()
	for _, name := range []string{"other", "x" + prefix + "1"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(parent, prefix+"file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var swept []string
	remove := func(path string) error {
		swept = append(swept, path)
		return unix.EBUSY
	}
	if err := sweep(parent, remove); !slices.Equal(swept, []string{given.Name()}) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("swept %q, want %q: %v", swept, given.Name(), err)
	}
	held.Close()
	swept = nil
	want := []string{held.Name(), given.Name()}
	slices.Sort(want)
	if err := sweep(parent, remove); !slices.Equal(swept, want) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("swept %q, want %q: %v", swept, want, err)
	}
}

// TestSweepWaitsForClaims: a directory that is made and not yet locked would look like one that was left.
func TestSweepWaitsForClaims(t *testing.T) {
	parent := t.TempDir()
	unlock, err := lock(parent, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	path, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		t.Fatal(err)
	}
	swept := make(chan error, 1)
	go func() { swept <- sweep(parent, os.RemoveAll) }()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-swept; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("what is being made was removed: %v", err)
	}
}

func TestClaimAndSweepOfNothing(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	if f, err := claim(none); err == nil {
		t.Errorf("claimed %s", f.Name())
	}
	if err := sweep(none, os.RemoveAll); err == nil {
		t.Error("a directory that is not there can be swept")
	}
}
