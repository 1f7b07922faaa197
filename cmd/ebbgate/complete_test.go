package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

// completed returns the words a command line is completed to, and cobra's directive.
func completed(t *testing.T, line ...string) (words []string, directive string) {
	t.Helper()
	var out, errs strings.Builder
	if status := execute(append([]string{"__complete"}, line...), &out, &errs); status != 0 {
		t.Fatalf("%q: status %d, %s", line, status, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, l := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(l, "\t")
		words = append(words, word)
	}
	return words, lines[len(lines)-1]
}

func TestCompletions(t *testing.T) {
	a := answer(t)
	a.PublishSources(crowd)
	a.Publish(&control.Status{Services: []control.Service{{Name: "mail"}, {Name: "web"}}, Exempt: []control.Exempt{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Reason: "office"}}})
	a.PublishAttacks(func() *control.Attacks {
		return &control.Attacks{Attacks: []control.Attack{{ID: "12", Kind: policy.Churn}, {ID: "3"}}}
	})
	for _, tt := range []struct{ line, want string }{
		{"explain ", "203.0.113.7 2001:db8:7::"},
		{"explain 2001", "2001:db8:7::"},
		{"unblock ", "203.0.113.7 2001:db8:7::/64"},
		{"unblock 203.0.113.7 ", ""},
		{"unexempt ", "192.0.2.0/24"},
		{"attacks ", "12 3"},
		{"attacks 1", "12"},
		{"attacks --kind c", "churn connection-flood"},
		{"sources --service ", "mail web"},
		{"exempt 192.0.2.1 --service w", "web"},
		{"sources --state b", "blocked"},
		{"sources --sort ", "state held new half_open syns"},
	} {
		words := strings.Split(tt.line, " ")
		line := append([]string{words[0], "--socket", a.path}, words[1:]...)
		if got, _ := completed(t, line...); strings.Join(got, " ") != tt.want {
			t.Errorf("%q is completed to %q, want %q", tt.line, got, tt.want)
		}
	}
	if got, _ := completed(t, "block", "--socket", a.path, ""); len(got) != 32 || got[0] != "2001:db8:7::/64" {
		t.Errorf("block is completed to %d words, %q", len(got), got)
	}
}

// TestCompletionsWithoutDaemon are silent and soon over: where there is none, and where one does not answer.
func TestCompletionsWithoutDaemon(t *testing.T) {
	dir, err := os.MkdirTemp("", "ebb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	mute, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	for _, socket := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "s")} {
		began := time.Now()
		for _, line := range [][]string{{"explain"}, {"unblock"}, {"attacks"}, {"unexempt"}, {"sources", "--service"}} {
			if words, directive := completed(t, append(line, "--socket", socket, "")...); len(words) > 0 && line[len(line)-1] != "--service" || !strings.HasPrefix(directive, ":") {
				t.Errorf("%q: %q, %s", line, words, directive)
			}
		}
		t.Logf("five lines took %v", time.Since(began))
	}
}

// TestACompletionHasOneConnectionAndOneTime asks three times for the words of explain.
func TestACompletionHasOneConnectionAndOneTime(t *testing.T) {
	d := fakeDaemon(t, func(r *http.Request) string { return `{"result": {"sources": []}}` })
	if words, _ := completed(t, "explain", "--socket", d.path, ""); len(words) > 0 {
		t.Errorf("offered are %q", words)
	}
	if d.questions.Load() != 3 || d.connections.Load() != 1 {
		t.Errorf("%d questions on %d connections, want 3 on 1", d.questions.Load(), d.connections.Load())
	}
	offer := func(_ *cobra.Command, d *asked) []cobra.Completion {
		if end, bounded := d.ctx.Deadline(); !bounded || time.Until(end) > completeTimeout {
			t.Errorf("there is time until %v, %v", end, bounded)
		}
		return []cobra.Completion{"a", "b"}
	}
	if words, _ := anyWord(offer)(statusCommand(), nil, "b"); len(words) != 1 || words[0] != "b" {
		t.Errorf("offered are %q", words)
	}
}

// fake is a daemon that answers what a test says.
type fake struct {
	path                   string
	connections, questions atomic.Int32
}

func fakeDaemon(t *testing.T, answer func(*http.Request) string) *fake {
	t.Helper()
	dir, err := os.MkdirTemp("", "ebb")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{path: filepath.Join(dir, "s")}
	l, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.questions.Add(1)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer(r))
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				f.connections.Add(1)
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	return f
}

func TestCompletionOfPolicyFiles(t *testing.T) {
	for _, line := range [][]string{{"check", ""}, {"run", "--config", ""}, {"replay", "--config", ""}} {
		if words, directive := completed(t, line...); strings.Join(words, " ") != "toml" || directive != ":8" {
			t.Errorf("%q: %q, %s; want files that end in toml", line, words, directive)
		}
	}
	path := filepath.Join(t.TempDir(), "p.toml")
	if err := os.WriteFile(path, []byte("[[service]]\nname = \"shop\"\nports = [443]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if words, _ := completed(t, "close", "--config", path, "--service", ""); strings.Join(words, " ") != "shop" {
		t.Errorf("services of a policy file: %q", words)
	}
}
