package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// village makes a service on port 80 with seven clients in networks of their own, of which one holds four
// connections and the others one, and what listens on loopback only.
func village(t *testing.T) *nstest.Sock {
	t.Helper()
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "0.0.0.0:80", 64)
	nstest.Listen(t, "127.0.0.1:99", 5)
	for i := range 7 {
		for range 1 + 3*(i/6) {
			nstest.Dial(t, fmt.Sprintf("10.66.%d.1:0", i), "10.66.9.9:80")
			l.Accept()
		}
	}
	return l
}

func TestSuggestInANamespace(t *testing.T) {
	village(t)
	out := must(t, []string{`^mode = "shadow"$`, `^ports = \[80\]$`, `^# At most 10 connections at once, of 7 sources\.$`, `^capacity = \d+$`,
		`^  # highest sustained: 4 by 10\.66\.6\.1, seen .* 7 sources$`, `^  per_source = 20$`, `^  per_prefix = \[\{ ipv4 = 24, limit = 40 \}\]$`,
		`^  # new_per_source, syn_per_source: nothing proposed: `}, "suggest", "--for", "1s")
	p, err := policy.Parse("suggested", []byte(out))
	if err != nil || len(p.Services) != 1 {
		t.Errorf("%v in\n%s", err, out)
	}
	file := t.TempDir() + "/policy.toml"
	write(t, file, "[[service]]\nname = \"web\"\nports = [80, 81]\n[[service]]\nname = \"none\"\nports = [90]\n")
	must(t, []string{`^name  = "web"$`, `^ports = \[80, 81\]$`, `^  per_source = 20$`, `^name  = "none"$`, `^  # per_source: nothing proposed: too little was seen: 0 sources`,
		`^# capacity: nothing proposed: no process was seen`}, "suggest", "--for", "1s", "--config", file)
}

func TestSuggestWhereNothingListens(t *testing.T) {
	nstest.Enter(t)
	nstest.Listen(t, "127.0.0.1:99", 5)
	status, stdout, stderr := ebbgate(t, "suggest", "--for", "1s")
	if status != exitRuntime || stdout != "" || !strings.HasPrefix(stderr, "nothing listens on this host") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

// TestSuggestRates has six clients open and close connections all the time.
func TestSuggestRates(t *testing.T) {
	l := village(t)
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	ctx, stop := context.WithCancel(context.Background())
	greeted, churned := make(chan error, 1), make(chan error, 1)
	rounds := make(chan struct{}) // closed by the clients; each is one the server is to take part in
	go func() { greeted <- greet(rounds, l) }()
	go func() { churned <- churn(ctx, ns, rounds) }()
	got := suggested(t, "--for", "6s")
	stop()
	if err := errors.Join(<-churned, <-greeted); err != nil {
		t.Fatal(err)
	}
	s := got.Services[0]
	if f := s.NewPerSource; f.Proposed < 20 || f.Sustained == 0 || f.Of != 6 || s.SYNPerSource.Proposed < 4*f.Proposed {
		t.Errorf("new connections %+v, SYNs %+v; notes %q", f, s.SYNPerSource, got.Notes)
	}
	if len(got.Notes) != 0 || got.Attack {
		t.Errorf("notes %q", got.Notes)
	}
}

// roundSize is how many connections the clients make in one round.
const roundSize = 12

// churn makes connections in the namespace, some each tenth of a second, until ctx ends.
func churn(ctx context.Context, ns *os.File, rounds chan<- struct{}) error {
	defer close(rounds)
	runtime.LockOSThread() // the thread dies with the goroutine, as it is in another namespace
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	var from []netip.Addr
	for i := range 6 {
		from = append(from, netip.MustParseAddr(fmt.Sprintf("10.66.%d.1", i)))
	}
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	to := netip.MustParseAddrPort("10.66.9.9:80")
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
			rounds <- struct{}{}
			if err := nstest.Churn(roundSize, from, to); err != nil {
				return err
			}
		}
	}
}

// greet serves the connections of each round.
func greet(rounds <-chan struct{}, l *nstest.Sock) error {
	for range rounds {
		if err := l.Greet(roundSize); err != nil {
			return err
		}
	}
	return nil
}

func TestSuggestEndsEarlyOnCtrlC(t *testing.T) {
	village(t)
	ours := make(chan os.Signal, 16) // so that one which comes too early does not end the test
	signal.Notify(ours, unix.SIGINT)
	defer signal.Stop(ours)
	done, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quit)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	p, err := suggestLive(context.Background(), io.Discard, time.Hour, nil)
	close(done)
	<-quit
	if err != nil || len(p.Services) != 1 || p.Censuses > 3 || !slices.Contains(p.Services[0].Ports, "80") {
		t.Errorf("%v: %+v", err, p)
	}
}
