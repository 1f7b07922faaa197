package notify

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
)

func TestStateRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	if s, err := LoadState(path); s != nil || err != nil {
		t.Errorf("without a file: %+v, %v", s, err)
	}
	full := State{After: 1<<64 - 2*maxLedger}
	for i := range uint64(maxLedger) {
		full.Told = append(full.Told, full.After+1+i)
	}
	for _, s := range []State{{}, {After: 1<<63 + 1, Told: []uint64{1<<63 + 3}, Unreachable: control.TimeOf(t0)}, full} {
		if err := SaveState(path, &s); err != nil {
			t.Fatal(err)
		}
		got, err := LoadState(path)
		if err != nil || !got.equal(&s) {
			t.Errorf("got %+v, %v; want %+v", got, err, s)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() > maxState {
		t.Errorf("%v, %v", info, err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("left beside it: %v, %v", names, err)
	}
}

// TestStateSurvivesACrash: whatever a save that was cut short has left, the state is the one before.
func TestStateSurvivesACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	old := State{After: 7, Told: []uint64{9}}
	if err := SaveState(path, &old); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(path+".new", whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadState(path); err != nil || !got.equal(&old) {
			t.Fatalf("after %d bytes: %+v, %v", n, got, err)
		}
	}
	if err := SaveState(path, &State{After: 10}); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadState(path); err != nil || got.After != 10 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := os.Stat(path + ".new"); err == nil {
		t.Error("the new file is left")
	}
}

// TestPartOfAStateIsNone: of a file that was cut off nothing is taken.
func TestPartOfAStateIsNone(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"version":1,"after":"7","told":["9","12"],"unreachable":null}`)
	for n := range b.Len() {
		if s, err := decodeState(b.Bytes()[:n]); err == nil {
			t.Errorf("%q is %+v", b.Bytes()[:n], s)
		}
	}
	if s, err := decodeState(b.Bytes()); err != nil || s.After != 7 || !slices.Equal(s.Told, []uint64{9, 12}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{
		`{"version":2,"after":"7","told":[],"unreachable":null}`, `{"version":1,"after":"7","told":["7"],"unreachable":null}`,
		`{"version":1,"after":"7","told":["9","8"],"unreachable":null}`, `{"version":1,"after":"-7","told":[],"unreachable":null}`,
		`{"version":1,"after":"7","other":1}`, `{"version":1,"after":"7"}{}`,
	} {
		if s, err := decodeState([]byte(bad)); err == nil {
			t.Errorf("%s is %+v", bad, s)
		}
	}
	path := filepath.Join(t.TempDir(), "told.json")
	if err := os.WriteFile(path, bytes.Repeat([]byte(" "), maxState+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadState(path); err == nil || !strings.Contains(err.Error(), strconv.Itoa(maxState)) {
		t.Errorf("a file that is too long: %v", err)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"after":"7","told":["9"],"unreachable":"2026-03-01T03:00:00.000Z"}`))
	f.Add([]byte(`{"version":1,"after":"18446744073709551615","told":[],"unreachable":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeState(b)
		if err != nil {
			return
		}
		var l ledger
		l.restore(s.After, s.Told)
		if l.read(s.After); l.after < s.After || len(l.open) > maxLedger || !slices.IsSorted(s.Told) {
			t.Errorf("%s: %+v becomes %+v", b, s, l)
		}
	})
}

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": "abc-123\n", "crlf": "abc-123\r\n", "bare": "abc-123", "two": "abc\nSECRET\n", "space": "abc SECRET",
		"empty": "\n", "umlaut": "SECRETü", "long": strings.Repeat("SECRET", 1000)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, name := range []string{"good", "crlf", "bare"} {
		if got, err := ReadCredential(name); got != "abc-123" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"two", "space", "empty", "umlaut", "long", "none", "", ".", "..", "../good", "a/b"} {
		if got, err := ReadCredential(name); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := ReadCredential("good"); err == nil || !strings.Contains(err.Error(), "LoadCredential=good:FILE") {
		t.Errorf("without credentials: %v", err)
	}
}

func TestWatchSaysHowLong(t *testing.T) {
	w := watch{patience: 30 * time.Second}
	if _, tell := w.failed(errAway, t0.Add(time.Second), t0); tell || !w.next().Equal(t0.Add(30*time.Second)) {
		t.Errorf("told at once, or the next time is %s", w.next())
	}
	e, tell := w.due(t0.Add(31 * time.Second))
	if !tell || e.Event != Unreachable || !strings.Contains(e.Why, "31s: nobody answers") || !w.away().Equal(t0) {
		t.Errorf("%+v, %t, away %s", e, tell, w.away())
	}
	if e, tell = w.answered(t0.Add(2 * time.Minute)); !tell || e.Event != Reachable || !strings.Contains(e.Why, "after 2m0s") {
		t.Errorf("%+v, %t", e, tell)
	}
	if _, tell = w.answered(t0.Add(3 * time.Minute)); tell {
		t.Error("told again")
	}
}
