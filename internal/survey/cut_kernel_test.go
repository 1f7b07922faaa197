package survey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// plan finds what is to be cut.
func plan(t *testing.T, s *Survey, target Target) *Plan {
	t.Helper()
	p, err := s.Candidates(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCutCutsWhatWasShownAndNothingElse(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
	l := nstest.Listen(t, "[::]:80", 16)
	bad, badServer := accepted(t, l, "10.66.0.1:0", "10.66.9.9:80") // mapped
	six, _ := accepted(t, l, "[fd66::1]:0", "[fd66::9]:80")
	good, goodServer := accepted(t, l, "10.66.1.1:0", "10.66.9.9:80")
	sel := Selection{Sources: []netip.Prefix{netip.MustParsePrefix("10.66.0.0/24"), netip.MustParsePrefix("fd66::1/128")}}
	s := begin(t, sel, nil)
	p := plan(t, s, Target{Top: 10})
	if p.Matched != 2 || p.Count() != 2 || p.SourceTotal != 2 || len(p.Connections) != 2 || len(p.Spared) != 0 || p.Waiting != 0 {
		t.Fatalf("got %+v", p)
	}
	late, _ := accepted(t, l, "10.66.0.1:0", "10.66.9.9:80") // came after the plan: not in it
	out, err := s.Cut(t.Context(), p)
	if err != nil || out != (Outcome{Cut: 2}) {
		t.Fatalf("got %+v, %v", out, err)
	}
	if err := badServer.Read(); !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("the server reads %v", err)
	}
	for _, c := range []*nstest.Sock{bad, six} {
		if err := c.Read(); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("a client that was cut reads %v", err)
		}
	}
	goodServer.Write([]byte("x"))
	if err := good.Read(); err != nil {
		t.Errorf("a client that was not meant reads %v", err)
	}
	if err := late.TryWrite([]byte("x")); err != nil {
		t.Errorf("a client that came later writes %v", err)
	}
	if out, err := s.Cut(t.Context(), p); err != nil || out != (Outcome{Gone: 2}) {
		t.Errorf("again: %+v, %v", out, err)
	}
}

func TestCandidates(t *testing.T) {
	nstest.Enter(t)
	nstest.Assign(t, "10.99.0.1/24")
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	other := nstest.Listen(t, "0.0.0.0:90", 16)
	for i := range 3 {
		accepted(t, l, fmt.Sprintf("10.66.0.%d:0", i+1), "10.66.9.9:80")
	}
	accepted(t, other, "10.66.0.1:0", "10.66.9.9:90")
	accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	accepted(t, l, "10.99.0.1:0", "10.99.0.1:80")
	closing, _ := accepted(t, l, "10.66.7.7:0", "10.66.9.9:80")
	nstest.Dial(t, "10.66.8.8:0", "10.66.9.9:80") // waits in the accept queue
	closing.CloseWrite()
	nstest.Await(t, "CLOSE_WAIT", func() bool { return ssStates(t)["CLOSE-WAIT"] == 1 })

	host := []netip.Addr{netip.MustParseAddr("10.99.0.1")}
	exempt := []netip.Prefix{netip.MustParsePrefix("10.66.0.2/31")}
	ports := func(p uint16) []policy.PortRange { return []policy.PortRange{{First: p, Last: p}} }
	web := &policy.Policy{Services: []policy.Service{{Name: "web", Ports: ports(80)}}}
	tests := []struct {
		name    string
		sel     Selection
		p       *policy.Policy
		target  Target
		want    int
		waiting int
		spared  string
	}{
		{"a port", Selection{Ports: ports(80)}, nil, Target{Spare: Spare{Host: host}}, 5, 1, "host 2"},
		{"a service", Selection{}, web, Target{Spare: Spare{Host: host}}, 5, 1, "host 2"},
		{"exempt", Selection{Ports: ports(80)}, nil, Target{Spare: Spare{Host: host, Exempt: exempt}}, 3, 1, "exempt 2 host 2"},
		{"forced", Selection{Ports: ports(80)}, nil, Target{Spare: Spare{Host: host, Exempt: exempt, Nothing: true}}, 7, 1, ""},
		{"a state", Selection{States: 1 << inetdiag.CloseWait}, nil, Target{}, 1, 0, ""},
		// The clients are on this host, too: the other ends are its outgoing connections.
		{"outgoing", Selection{}, nil, Target{Outgoing: true, Spare: Spare{Host: host}}, 12, 1, "host 4"},
		{"a source", Selection{Sources: []netip.Prefix{netip.MustParsePrefix("10.66.0.1/32")}}, nil, Target{}, 2, 0, ""},
		{"idle for an hour", Selection{Ports: ports(80)}, nil, Target{Idle: time.Hour}, 0, 0, ""},
		{"never a listener", Selection{States: 1 << inetdiag.Listen}, nil, Target{Outgoing: true}, 0, 0, ""},
	}
	for _, tt := range tests {
		tt.target.Top = 2
		p := plan(t, begin(t, tt.sel, tt.p), tt.target)
		spared := ""
		for _, s := range p.Spared {
			spared += fmt.Sprintf(" %s %d", s.Reason, s.Connections)
		}
		if p.Matched != tt.want || p.Count() != tt.want || p.Waiting != tt.waiting || spared != spaced(tt.spared) {
			t.Errorf("%s: %d match, %d to cut, %d wait, spared%s; want %d, %d, %s", tt.name, p.Matched, p.Count(), p.Waiting, spared, tt.want, tt.waiting, tt.spared)
		}
		if len(p.Sources) > 2 || len(p.Connections) > 2 || p.SourceTotal < len(p.Sources) {
			t.Errorf("%s: %d sources and %d connections to show", tt.name, len(p.Sources), len(p.Connections))
		}
	}
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

// Whoever lacks the privilege can look, is told at once, and has cut nothing.
func TestCutWithoutPrivilege(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 16)
	for range 3 {
		accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	}
	// The thread alone, which ends with the test, gives its user up. In a user namespace without a
	// second user the kernel says EINVAL.
	const nobody = 65534
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
	if errno == unix.EINVAL && os.Getenv("CI") == "" {
		t.Skip("not permitted to become another user")
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	s := begin(t, Selection{}, nil)
	p := plan(t, s, Target{Spare: Spare{Nothing: true}})
	if p.Count() != 3 {
		t.Fatalf("%d connections are seen without privilege", p.Count())
	}
	if out, err := s.Cut(t.Context(), p); !errors.Is(err, unix.EPERM) || out != (Outcome{}) {
		t.Errorf("got %+v, %v", out, err)
	}
	if again := plan(t, s, Target{Spare: Spare{Nothing: true}}); again.Count() != 3 {
		t.Errorf("%d connections are left", again.Count())
	}
}

func TestCanceledContextEndsEverything(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 16)
	accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	s := begin(t, Selection{}, nil)
	p := plan(t, s, Target{Spare: Spare{Nothing: true}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := s.Cut(ctx, p); !errors.Is(err, context.Canceled) || out != (Outcome{}) {
		t.Errorf("cut: %+v, %v", out, err)
	}
	for name, look := range map[string]func() error{
		"overview":   func() error { _, err := s.Overview(ctx, Counting{Group: Group{32, 64}}); return err },
		"queues":     func() error { _, err := s.Queues(ctx, 1); return err },
		"idle":       func() error { _, err := s.Idle(ctx, time.Second, 1); return err },
		"close-wait": func() error { _, err := s.CloseWait(ctx, time.Second); return err },
		"candidates": func() error { _, err := s.Candidates(ctx, Target{}); return err },
		"open":       func() error { _, err := Open(ctx, Selection{}, nil); return err },
	} {
		if err := look(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
