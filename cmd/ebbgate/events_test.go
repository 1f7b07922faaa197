package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// eventsDaemon is a control server that tells what a test says.
type eventsDaemon struct {
	*control.Server
	stop func()
}

func startEvents(t *testing.T, path string, s *control.Stream) *eventsDaemon {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("not permitted: only root may ask the server")
		}
		t.Skip("not permitted: only root may ask the server")
	}
	socket, err := control.Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	d := &eventsDaemon{Server: control.NewServer(socket, slog.New(slog.DiscardHandler))}
	d.PublishEvents(s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(d.stop)
	return d
}

// told is a stream of a run that began at an ID.
func told(since uint64, kinds ...policy.EventKind) *control.Stream {
	s := &control.Stream{Since: since}
	for i, k := range kinds {
		e := control.Event{ID: since + 1 + uint64(i), At: control.TimeOf(time.Now()), Event: k, Count: 1, Service: "web", Why: "\x1b[2J"}
		if k == policy.AttackEnded {
			e.Service, e.Kind = "mail", policy.Churn
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// following is a run of ebbgate events.
type following struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *os.File
	lines  chan string
	stderr strings.Builder
}

func follow(t *testing.T, args ...string) *following {
	t.Helper()
	f := &following{t: t, cmd: exec.Command("ebbgate", append([]string{"events"}, args...)...), lines: make(chan string, 100)}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f.out, f.cmd.Stdout, f.cmd.Stderr = r, w, &f.stderr
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() { _ = f.cmd.Process.Kill(); _ = r.Close() })
	go func() {
		defer close(f.lines)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			f.lines <- lines.Text()
		}
	}()
	return f
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

func (f *following) line() string {
	f.t.Helper()
	select {
	case line, open := <-f.lines:
		if !open {
			f.t.Fatalf("it ended: %s", &f.stderr)
		}
		return line
	case <-time.After(patience):
		f.t.Fatal("nothing comes")
		return ""
	}
}

// ends waits for the end, which must be a good one.
func (f *following) ends() {
	f.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = f.cmd.Process.Kill() })
	defer timer.Stop()
	if err := f.cmd.Wait(); err != nil {
		f.t.Errorf("%v: %s", err, &f.stderr)
	}
}

// TestFollowOverARestart reads events as one object a line while the daemon is restarted, then ends it by
// Ctrl-C.
func TestFollowOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := startEvents(t, path, told(100, control.Started, control.Ready))
	f := follow(t, "-f", "--json", "--socket", path)
	next := func(want uint64) {
		t.Helper()
		var e control.Event
		if err := json.Unmarshal([]byte(f.line()), &e); err != nil || e.ID != want {
			t.Fatalf("event %d, %v; want %d", e.ID, err, want)
		}
	}
	next(101)
	next(102)
	d.PublishEvents(told(100, control.Started, control.Ready, policy.AttackBegan))
	next(103)
	d.stop()
	startEvents(t, path, told(200, control.Started))
	next(201)
	if err := f.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	f.ends()
	want := "ebbgate: the daemon does not answer; going on once it does\nebbgate: the daemon answers again\n" +
		"ebbgate: events after 103 may be missing: ebbgate was not running, or keeps them no more; the next it knows is 201\n"
	if got := f.stderr.String(); got != want && got != strings.SplitAfterN(want, "\n", 3)[2] { // a quick restart goes unnoticed
		t.Errorf("stderr:\n%s", got)
	}
}

// TestFollowEndsWithItsReader: whoever reads has seen enough, and nothing more happens.
func TestFollowEndsWithItsReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	startEvents(t, path, told(100, control.Started, control.Ready))
	f := follow(t, "-f", "--socket", path)
	if got := f.line(); !strings.HasSuffix(got, `web: ebbgate has started: \x1b[2J`) {
		t.Errorf("got %q", got)
	}
	f.line()
	_ = f.out.Close()
	f.ends()
	if f.stderr.Len() != 0 {
		t.Errorf("stderr: %s", &f.stderr)
	}
}

func TestEventsPicksAndResumes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	startEvents(t, path, told(100, control.Started, policy.AttackBegan, policy.AttackEnded, policy.LimitRaised, policy.LimitRaised))
	for _, tt := range []struct {
		args   string
		want   string
		stderr string
	}{
		{"", "101 102 103 104 105", ""},
		{"--limit 2", "104 105", ""},
		{"-n 0", "", ""},
		{"--after 103 -n 1", "104 105", ""},
		{"--after 105", "", ""},
		{"--after 7", "101 102 103 104 105", "ebbgate: events after 7 may be missing"},
		{"--service mail", "103", ""},
		{"--kind churn", "103", ""},
		{"--event limit-raised -n 1", "105", ""},
		{"--service web --event attack-ended", "", ""},
	} {
		var stdout, stderr strings.Builder
		status := execute(append([]string{"events", "--json", "--socket", path}, strings.Fields(tt.args)...), &stdout, &stderr)
		var answer control.Events
		if err := json.Unmarshal([]byte(stdout.String()), &answer); err != nil || status != exitOK || answer.Events == nil {
			t.Errorf("%s: exit %d, %v: %s", tt.args, status, err, &stderr)
		}
		var ids []string
		for _, e := range answer.Events {
			ids = append(ids, fmt.Sprint(e.ID))
		}
		if got := strings.Join(ids, " "); got != tt.want || !strings.HasPrefix(stderr.String(), tt.stderr) || (stderr.Len() == 0) != (tt.stderr == "") {
			t.Errorf("%s: got %s, want %s; stderr %q", tt.args, got, tt.want, &stderr)
		}
	}
	for line, want := range map[string]string{"--service shop": "no event matches; ebbgate events shows all that are kept\n", "--after 105": "no event matches; ebbgate events shows all that are kept\n", "-n 0": ""} {
		var stdout, stderr strings.Builder
		if status := execute(append([]string{"events", "--socket", path}, strings.Fields(line)...), &stdout, &stderr); status != exitOK || stdout.String() != want || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, %q, %q", line, status, &stdout, &stderr)
		}
	}
	var plain strings.Builder
	if status := execute([]string{"events", "--socket", path, "--event", "attack-ended"}, &plain, io.Discard); status != exitOK || strings.Count(plain.String(), "\n") != 1 ||
		!strings.HasSuffix(plain.String(), "  mail: churn ended: \\x1b[2J\n") {
		t.Errorf("exit %d: %q", status, &plain)
	}
}
