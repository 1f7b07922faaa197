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
	expect := func(what string, want legacyUse) {
		t.Helper()
		if got, err := l.use(); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect("no such file", legacyNone)
	write("")
	expect("the module came later, without a table", legacyNone)
	write("filter\nnat\n")
	expect("with tables", legacyLoaded)
	write("")
	expect("without them again", legacyNone)
}

// unseen is a file that asNobody may not open.
func unseen(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// asNobody calls f where, for this thread's look at files, root is nobody.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 {
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	f()
}

// TestLegacyTablesUnseen is the service's own case: its user may not read the file.
func TestLegacyTablesUnseen(t *testing.T) {
	l := &legacyTables{path: unseen(t)}
	asNobody(t, func() {
		if got, err := l.use(); got != legacyUnseen || err != nil {
			t.Errorf("%v, %v; want to hear that it may not be looked at", got, err)
		}
	})
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

// TestUnseenUsersAreAssumed tells what is known of others from what is only taken to be so.
func TestUnseenUsersAreAssumed(t *testing.T) {
	loaded := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(loaded, []byte("nat\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(loaded), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name         string
		four, six    string
		rule         string // of somebody else's, in nft syntax
		track, guess bool
	}{
		{"nobody", "/no/such/file", "/no/such/file", "", false, false},
		{"unseen", unseen(t), "/no/such/file", "", true, true},
		{"both unseen", unseen(t), unseen(t), "", true, true},
		{"one unseen, one in use", unseen(t), loaded, "", true, false},
		{"unseen, and a rule", unseen(t), unseen(t), "add table ip fw; add chain ip fw c { type filter hook input priority 0; }; add rule ip fw c ct state new", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tb := open(t)
			tb.track.names[0].path, tb.track.names[1].path = tt.four, tt.six
			if tt.rule != "" {
				nft(t, tt.rule)
			}
			asNobody(t, func() {
				if _, err := tb.Look(true); err != nil {
					t.Fatal(err)
				}
			})
			if env := tb.Environment(); env.OthersTrack != tt.track || env.Assumed != tt.guess || !env.Known {
				t.Errorf("%+v, want OthersTrack %t, Assumed %t", env, tt.track, tt.guess)
			}
		})
	}
}

func TestLegacyTablesOddities(t *testing.T) {
	for name, path := range map[string]string{
		"a directory":      t.TempDir(),
		"a file for a dir": filepath.Join("/proc/self/comm", "names"),
	} {
		l := &legacyTables{path: path}
		if got, err := l.use(); got != legacyNone || err == nil {
			t.Errorf("%s: %v, %v; want an error", name, got, err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}
}
