package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/screen"
	"ebbgate/policy"
)

// TestAnswersThatCannotBeWritten: also of a command that did all it was told.
func TestAnswersThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	d := fakeDaemon(t, func(*http.Request) string {
		return `{"result": {"at": "2026-03-14T03:00:00.000Z", "sources": [], "events": [], "services": [], "attacks": [], "text": "table inet ebbgate {}"}}`
	})
	for _, line := range []string{"status", "sources", "sources --json", "attacks", "attacks --service web", "attacks 3", "events", "explain 192.0.2.1", "ruleset",
		"exempt 192.0.2.1", "unexempt 192.0.2.1", "mode", "confirm", "reload", "block 192.0.2.1", "unblock 192.0.2.1"} {
		var stderr strings.Builder
		status := execute(append(strings.Fields(line), "--socket", d.path), full, &stderr)
		// An answer that makes no sense to a command is a failure, too: what counts is that none of them exits with 0.
		if status != exitRuntime || stderr.Len() == 0 {
			t.Errorf("%s: exit %d, %q", line, status, &stderr)
		}
	}
}

func TestOutputFailure(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	gone := &output{w: w}
	if _, err := gone.Write([]byte("x")); err == nil || gone.failure() != nil {
		t.Errorf("nobody reads: %v, %v", err, gone.failure())
	}
	var b bytes.Buffer
	whole := &output{w: &b}
	if _, err := io.WriteString(whole, "x"); err != nil || whole.failure() != nil || b.String() != "x" {
		t.Errorf("%v, %v, %q", err, whole.failure(), &b)
	}
	if _, ok := descriptor(whole); ok {
		t.Error("a buffer has a descriptor")
	}
	broken := &output{w: brokenOutput{}}
	_, _ = broken.Write(nil)
	if err := broken.failure(); err == nil || err.Error() != "write output: broken" {
		t.Errorf("got %v", err)
	}
}

type brokenOutput struct{}

func (brokenOutput) Write([]byte) (int, error) { return 0, errors.New("broken") }

// TestLinesOnATerminal: on a narrow one what is long goes on below, indented, and nothing of it is lost; elsewhere it
// is one line.
func TestLinesOnATerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	why := "an attack that somebody has explained at a length for which no terminal of eighty columns has any room"
	s := told(100, policy.AttackEnded)
	s.Events[0].Why = why
	startEvents(t, path, s)
	term := screen.New(t, 80, 24)
	if status := term.Start(exec.Command("ebbgate", "events", "--socket", path), "NO_COLOR=1").Wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	term.Await("a length for which")
	const indent = "                     "
	if got := term.Written(); !strings.Contains(got, "mail: churn ended: an attack that somebody has explained at\r\n"+indent+"a length for which") {
		t.Errorf("on a terminal: %q", got)
	}
	var piped strings.Builder
	if status := execute([]string{"events", "--socket", path}, &piped, io.Discard); status != exitOK || !strings.HasSuffix(piped.String(), why+"\n") {
		t.Errorf("exit %d: %q", status, &piped)
	}
	if status := term.Start(exec.Command("ebbgate", "sources", "--state", "blockd", "--socket", path), "NO_COLOR=1").Wait(); status != exitUsage {
		t.Errorf("exit status %d", status)
	}
	term.Await("must be exempt")
	if got := term.Written(); !strings.Contains(got, "must be exempt, blocked, refused, limited,\r\n  watched or free\r\n") {
		t.Errorf("on a terminal: %q", got)
	}
}

func TestFold(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 20))
	want := strings.TrimSpace(strings.Repeat("word ", 12)) + "\n  " + strings.TrimSpace(strings.Repeat("word ", 8)) + "\n  short\n"
	if got := control.Fold(long+"\n  short\n", 60); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
