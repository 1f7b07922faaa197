package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// stranger replaces close by one whose caller holds none of the sockets. The test does, and close
// would take all of them for the session of whoever started it.
func stranger(root *cobra.Command) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == "close" {
			root.RemoveCommand(c)
		}
	}
	root.AddCommand(closeCommandOf(func(context.Context) (map[uint32]struct{}, error) { return nil, nil }))
	return root
}

// ebbgate runs a command line in the test's namespace and returns its status and what it wrote.
func ebbgate(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := stranger(newRoot())
	root.SetArgs(args)
	root.SetOut(&out)
	if err := root.Execute(); err != nil {
		errs.WriteString(err.Error())
		status = exitRuntime
		var exit *exitError
		if errors.As(err, &exit) {
			status = exit.status
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 && !strings.HasPrefix(line, "{") {
			t.Errorf("ebbgate %s: %d columns: %s", strings.Join(args, " "), n, line)
		}
	}
	return status, out.String(), errs.String()
}

// must runs a command line that has to succeed and to print something like each pattern.
func must(t *testing.T, patterns []string, args ...string) string {
	t.Helper()
	status, stdout, stderr := ebbgate(t, args...)
	if status != exitOK || stderr != "" {
		t.Errorf("ebbgate %s: status %d, %s", strings.Join(args, " "), status, stderr)
	}
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(stdout) {
			t.Errorf("ebbgate %s: no %q in\n%s", strings.Join(args, " "), p, stdout)
		}
	}
	return stdout
}

// town makes services and clients: of port 80 three connections from two addresses, of which one
// is in CLOSE_WAIT and one has sent what nobody reads; of port 90 one that nobody accepts.
func town(t *testing.T) {
	t.Helper()
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	nstest.Listen(t, "[::]:90", 5)
	nstest.Listen(t, "[::]:91", 5)
	nstest.Dial(t, "10.66.1.1:0", "10.66.9.9:80")
	l.Accept()
	nstest.Dial(t, "10.66.1.1:0", "10.66.9.9:80").Write(make([]byte, 1234))
	l.Accept()
	nstest.Dial(t, "10.66.2.2:0", "10.66.9.9:80").CloseWrite()
	l.Accept()
	nstest.Dial(t, "10.66.2.2:0", "10.66.9.9:90")
	nstest.Await(t, "CLOSE_WAIT and a receive queue", func() bool {
		_, out, _ := ebbgate(t, "census", "--queues", "--port", "80")
		return strings.Contains(out, "CLOSE_WAIT") && strings.Contains(out, " 1234 ")
	})
}

func TestCensusInANamespace(t *testing.T) {
	town(t)
	us := fmt.Sprintf(`\[%d\]`, os.Getpid())
	must(t, []string{`^ESTABLISHED +6$`, `^CLOSE_WAIT +1$`, `^port 80 +80 +3 +0 +2$`, `^  10\.66\.1\.1 +2 +0$`, `^  10\.66\.2\.2 +1 +0$`, `^port 90 +90 +1 +0 +1$`,
		`^No connection on 91$`}, "census")
	must(t, []string{`^port 80 +80 +3 +0 +1$`, `^  10\.66\.0\.0/16 +3 +0$`}, "census", "--group", "16", "--port", "80")
	must(t, []string{`^SERVICE +PORTS +SOCKETS +SOURCES$`, `^port 80 +80 +1 +1$`, `^No connection on 90, 91$`}, "census", "--state", "CLOSE_WAIT")
	must(t, []string{`^port 80 +80 +2 +0 +1$`}, "census", "--source", "10.66.1.0/24", "--source", "192.0.2.1")
	must(t, []string{`^  0\.0\.0\.0:80  queue 0 of 16  .*` + us, `^  \[::\]:91  queue 0 of 5  .*` + us + `.*\d+ of \d+ files$`}, "census", "-p")
	must(t, []string{`^LISTENER +TO ACCEPT +BACKLOG +PROCESS$`, `^\[::\]:90 +1 +5 +.*` + us, `^2 connections with something in a queue: 1235 bytes not read`,
		`^ESTABLISHED +\d+s +1234 +0 +10\.66\.9\.9:80 +10\.66\.1\.1:\d+ +.*` + us}, "census", "--queues")
	must(t, []string{`^None of 6 established connections has been idle for 1h\.$`}, "census", "--idle", "1h")
	must(t, []string{`^No connection has anything`}, "census", "--queues", "--port", "91")
}

func TestCensusByPolicy(t *testing.T) {
	town(t)
	file := t.TempDir() + "/policy.toml"
	if err := os.WriteFile(file, []byte("[[service]]\nname = \"web\"\nports = [80, 90]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, []string{`^web +80,90 +4 +0 +2$`, `^  10\.66\.2\.2 +2 +0$`}, "census", "--config", file)
	must(t, []string{`^web +80,90 +1 +0 +1$`}, "census", "--config", file, "--port", "90")
	if err := os.WriteFile(file, []byte("[[service]]\nname = \"on\"\nports = [80]\ntraffic = \"forwarded\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, []string{`^on \(forwarded\) +80 +0 +0 +0$`}, "census", "--config", file)
	must(t, []string{`^Not counted: connections this host passes on`}, "census", "--config", file, "--port", "80")
}

func TestCensusJSON(t *testing.T) {
	town(t)
	var got counted
	if err := json.Unmarshal([]byte(must(t, nil, "census", "--json", "-p", "--top", "1")), &got); err != nil {
		t.Fatal(err)
	}
	web := got.Services[0]
	if !got.Complete || got.Time.IsZero() || web.Service != "port 80" || web.Sockets != 3 || *web.Held != 3 || *web.HalfOpen != 0 || web.Sources != 2 ||
		len(web.Top) != 1 || web.Top[0].Source != "10.66.1.1" || *web.Top[0].Held != 2 || web.Listeners[0].Processes[0].PID != os.Getpid() {
		t.Errorf("got %+v", got)
	}
	if got.CloseWait == nil || got.CloseWait.Sockets != 1 || got.CloseWait.Leaked != 0 || got.Queues != nil || got.Idle != nil {
		t.Errorf("got %+v", got)
	}
	var lists map[string]any
	if err := json.Unmarshal([]byte(must(t, nil, "census", "--json", "--queues", "--idle", "1s")), &lists); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"states", "services", "close_wait"} {
		if _, ok := lists[absent]; ok {
			t.Errorf("%s is there although it was not asked for", absent)
		}
	}
	queue := lists["queues"].(map[string]any)
	first := queue["connections"].([]any)[0].(map[string]any)
	if queue["total"] != 2.0 || queue["receive_bytes"] != 1235.0 || first["receive_queue"] != 1234.0 || first["direction"] != "in" || first["keepalive"] != "off" {
		t.Errorf("queues %v", queue)
	}
	if idle := lists["idle"].(map[string]any); idle["age"] != 1.0 || idle["established"] != 6.0 {
		t.Errorf("idle %v", idle)
	}
}

// enough calls done once it was written to so many times.
type enough struct {
	all  bytes.Buffer
	left int
	done func()
}

func (w *enough) Write(b []byte) (int, error) {
	if w.left--; w.left == 0 {
		w.done()
	}
	return w.all.Write(b)
}

func TestWatchEndsCleanly(t *testing.T) {
	town(t)
	interrupt := func() {
		if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
			t.Error(err)
		}
	}
	for _, asJSON := range []bool{false, true} {
		w := &enough{left: 3, done: interrupt}
		o := &censusOptions{watch: time.Millisecond, json: asJSON}
		l := &look{overview: true, top: 1}
		l.group.IPv4, l.group.IPv6 = 32, 64
		if err := watchCensus(context.Background(), w, o, l); err != nil {
			t.Fatal(err)
		}
		if !asJSON {
			if n := strings.Count(w.all.String(), "STATE  "); n < 3 || strings.Contains(w.all.String(), "\x1b") {
				t.Errorf("%d blocks:\n%s", n, w.all.String())
			}
			continue
		}
		for line := range strings.Lines(w.all.String()) {
			var c counted
			if err := json.Unmarshal([]byte(line), &c); err != nil || len(c.Services) != 3 {
				t.Errorf("%v: %s", err, line)
			}
		}
	}
}
