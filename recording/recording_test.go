package recording

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

const policyText = `mode = "enforce"
[[service]]
name = "web"
ports = [80]
  [service.connections]
  per_source = %d
  [service.rate]
  syn_per_source = "200/s"
`

func parse(t *testing.T, perSource int) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test", fmt.Appendf(nil, policyText, perSource))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// attack returns the observations of a short attack: one source grows, is limited, and leaves.
func attack() []policy.Observation {
	var out []policy.Observation
	source := netip.MustParsePrefix("198.51.100.7/32")
	for i, held := range []int{3, 60, 150, 400, 100, 0, 0} {
		at := policy.Instant(i+1) * policy.Instant(20*time.Second)
		o := policy.Observation{At: at, Wall: int64(at), Counters: policy.Counters{Valid: true, CurrEstab: uint64(held), CookiesSent: uint64(i) * 1000},
			Listeners: []policy.Listener{{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Backlog: 128}}}
		o.Census = policy.Census{Taken: true, Complete: true, From: at, Services: []policy.ServiceCensus{{Service: "web", Held: held}}}
		if held > 0 {
			o.Census.Services[0].Sources = []policy.SourceCensus{{Source: source, Held: held}}
		}
		o.Endings = policy.Endings{Taken: true, From: at, Span: time.Second, Services: []policy.ServiceEndings{
			{Service: "web", Ended: held, Sources: []policy.SourceEndings{{Source: source, Ended: held}}}}}
		o.SYNs = []policy.SYNMeter{{Service: "web", SYNs: 500, Over: 300, Sources: []policy.SYNSource{{Source: source, Over: 300, Proven: true}}}}
		out = append(out, o, policy.Observation{At: at + 1, Faults: []policy.Fault{{Part: "counters", Text: "gone\nfor <now>"}}})
	}
	return out
}

// record writes the attack and returns what was decided.
func record(t *testing.T, c Config, p *policy.Policy) []policy.Decision {
	t.Helper()
	w, err := Create(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Policy(HashPolicy([]byte("the policy"))); err != nil {
		t.Fatal(err)
	}
	var state policy.State
	var decisions []policy.Decision
	for _, o := range attack() {
		before := state
		var d policy.Decision
		state, d = policy.Step(p, state, o)
		if err := w.Write(&before, &o, &d); err != nil {
			t.Fatal(err)
		}
		decisions = append(decisions, d)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return decisions
}

func open(t *testing.T, path string) *Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplayDecidesTheSame(t *testing.T) {
	p := parse(t, 100)
	path := filepath.Join(t.TempDir(), "rec")
	want := record(t, Config{Path: path, Version: "v1"}, p)
	r := open(t, path)
	if r.Header.Version != "v1" || r.Header.PolicyHash != HashPolicy([]byte("the policy")) {
		t.Errorf("header = %+v", r.Header)
	}
	turns, limits, meters := 0, 0, 0
	if err := Replay(r, p, func(o Outcome) bool {
		turns++
		limits += len(o.Decision.Limits)
		meters += len(o.Decision.Meters)
		if !o.Same || o.Turn != turns {
			t.Errorf("turn %d (%d): another decision: %+v", turns, o.Turn, o.Decision)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if turns != len(want) || limits == 0 || meters == 0 {
		t.Errorf("%d turns with %d limits and %d meters replayed, want %d turns and some of both", turns, limits, meters, len(want))
	}
}

func TestReplayUnderAnotherPolicyDecidesOtherwise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rec")
	record(t, Config{Path: path}, parse(t, 100))
	first := 0
	if err := Replay(open(t, path), parse(t, 50), func(o Outcome) bool {
		first = o.Turn
		return o.Same
	}); err != nil {
		t.Fatal(err)
	}
	// 60 connections, in the third turn, are too many under a limit of 50.
	if first != 3 {
		t.Errorf("the first other decision is in turn %d, want 3", first)
	}
}

func TestFilesAreRotatedAndEachReplaysByItself(t *testing.T) {
	p := parse(t, 100)
	dir := t.TempDir()
	path := filepath.Join(dir, "rec")
	// One compressed byte is less than any entry: every turn fills a file.
	record(t, Config{Path: path, FileSize: 1, Files: 3}, p)
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if want := []string{path + ".1", path + ".2"}; !slices.Equal(names, want) {
		t.Fatalf("files = %v, want %v", names, want)
	}
	for _, name := range names {
		if err := Replay(open(t, name), p, func(o Outcome) bool {
			if !o.Same {
				t.Errorf("%s: turn %d was decided otherwise", name, o.Turn)
			}
			return true
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEarlierRecordingIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rec")
	if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
		t.Fatal(err)
	}
	record(t, Config{Path: path}, parse(t, 100))
	if b, err := os.ReadFile(path + ".1"); err != nil || string(b) != "earlier" {
		t.Errorf("PATH.1 = %q, %v", b, err)
	}
}

func TestAnotherPolicyBeginsANewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rec")
	w, err := Create(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"a", "a", "b"} {
		if err := errors.Join(w.Policy(hash), w.Write(&policy.State{}, &policy.Observation{}, &policy.Decision{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if old, now := open(t, path+".1").Header.PolicyHash, open(t, path).Header.PolicyHash; old != "a" || now != "b" {
		t.Errorf("policies %q and %q, want a and b", old, now)
	}
}

func TestABrokenOffRecordingReplaysUpToThere(t *testing.T) {
	p := parse(t, 100)
	path := filepath.Join(t.TempDir(), "rec")
	record(t, Config{Path: path}, p)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b[:len(b)-20]))
	if err != nil {
		t.Fatal(err)
	}
	turns := 0
	err = Replay(r, p, func(o Outcome) bool {
		turns++
		return true
	})
	if !errors.Is(err, ErrTruncated) || turns == 0 {
		t.Errorf("Replay = %v after %d turns, want ErrTruncated after some", err, turns)
	}
}

func TestReaderRefuses(t *testing.T) {
	header := `{"ebbgate_recording":4,"version":"v","policy_hash":"","state":{}}` + "\n"
	tests := []struct {
		name string
		text string
		want string
	}{
		{"no header", "{}\n", "no header"},
		{"another format", strings.Replace(header, ":4", ":2", 1), `format 2, written by ebbgate "v"; this version reads format 4`},
		{"not JSON", "x\n", "no header"},
		{"an unknown field", header + `{"observation":{"Weather":1},"decision":""}` + "\n", `line 2: json: unknown field "Weather"`},
		{"half a line", header + `{"observation"`, "line 2: the recording ends in the middle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(zipped(tt.text)))
			if err == nil {
				_, err = r.Next()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
		})
	}
	if _, err := NewReader(strings.NewReader("plain")); err == nil || !strings.Contains(err.Error(), "not a recording") {
		t.Errorf("plain text: %v", err)
	}
}

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

// FuzzReader feeds the reader anything: it ends with an error or the end, and what it takes can be
// replayed.
func FuzzReader(f *testing.F) {
	p, err := policy.Parse("test", fmt.Appendf(nil, policyText, 100))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"ebbgate_recording":4,"version":"v","policy_hash":"","state":{}}` + "\n" + `{"observation":{"At":5},"decision":""}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := NewReader(bytes.NewReader(zipped(text)))
		if err != nil {
			return
		}
		turns := 0
		err = Replay(r, p, func(o Outcome) bool {
			turns++
			return true
		})
		if err == nil && turns > strings.Count(text, "\n") {
			t.Errorf("%d turns in %d lines", turns, strings.Count(text, "\n"))
		}
	})
}
