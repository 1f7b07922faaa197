package enforcer

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLegacyTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	l := &legacyTables{path: path}
	defer func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}()
	expect := func(what string, want bool) {
		t.Helper()
		if got, err := l.loaded(); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect("no such file", false)
	write("")
	expect("the module came later, without a table", false)
	write("filter\nnat\n")
	expect("with tables", true)
	write("")
	expect("without them again", false)
}

// TestLegacyTablesUnseen is the service's own case: its user may not read the file.
func TestLegacyTablesUnseen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 { // for this thread's look at files, root is nobody
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	l := &legacyTables{path: path}
	if got, err := l.loaded(); !got || err != nil {
		t.Errorf("%v, %v; want to take it for loaded", got, err)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

func TestLegacyTablesOddities(t *testing.T) {
	for name, path := range map[string]string{
		"a directory":      t.TempDir(),
		"a file for a dir": filepath.Join("/proc/self/comm", "names"),
	} {
		l := &legacyTables{path: path}
		if got, err := l.loaded(); got || err == nil {
			t.Errorf("%s: %v, %v; want an error", name, got, err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}
}
