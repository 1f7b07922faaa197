package e2e

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// order runs a command that must succeed, and returns what it prints.
func (s *stage) order(args ...string) string {
	s.t.Helper()
	o := s.run(s.Victim, command(append(args, "--socket", s.socket())...))
	if o.status != 0 || o.stderr != "" {
		s.t.Fatalf("%v: %+v", args, o)
	}
	return strings.ReplaceAll(o.stdout, "\n  ", " ")
}

// TestOrdersByHandUnderAttack: a client is blocked by a prefix of a length no policy knows, and loses what it
// holds; freed, it is served. In shadow mode attackers pass for as long as was said. A policy on trial goes
// back by itself.
func TestOrdersByHandUnderAttack(t *testing.T) {
	s, server, _, d := attacked(t)
	victim := lab.AttackRange().IPv4(200)[199]
	block, _ := victim.Prefix(27)
	var held []net.Conn
	for range 5 {
		c, err := s.dial(s.Attackers, victim, v4())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	holds := func(n int) func() error {
		return func() error {
			if got := server.HeldBy()[victim]; got != n {
				return fmt.Errorf("it holds %d connections, want %d", got, n)
			}
			return nil
		}
	}
	await(t, 5*time.Second, "the client is served", holds(len(held)))
	if text := s.order("block", block.String(), "--for", "10m", "--reason", "too curious"); !strings.Contains(text, fmt.Sprintf("%s is blocked from service \"shop\" for 10m", block)) {
		t.Errorf("block: %q", text)
	}
	if err := s.open(s.Attackers, victim, v4()); err == nil {
		t.Error("blocked, and still served")
	}
	await(t, 5*time.Second, "the blocked client's connections die", holds(0))
	if text := s.order("explain", victim.String()); !strings.Contains(text, "by hand: too curious") {
		t.Errorf("explain does not say why:\n%s", text)
	}
	if text := s.order("unblock", block.String()); !strings.Contains(text, "has ended") {
		t.Errorf("unblock: %q", text)
	}
	if err := s.open(s.Attackers, victim, v4()); err != nil {
		t.Errorf("freed, and not served: %v", err)
	}
	s.tryShadow(server, d)
	await(t, soon, "all attackers are back at their limit", func() error {
		for source, n := range server.HeldBy() {
			if n > perSource {
				return fmt.Errorf("%s holds %d", source, n)
			}
		}
		return nil
	})
	s.tryPolicy(d)
}

// tryShadow lets everybody through for a few seconds.
func (s *stage) tryShadow(server *lab.Server, d *daemon) {
	s.t.Helper()
	attacker := lab.AttackRange().IPv4(1)[0]
	if err := s.open(s.Attackers, attacker, v4()); err == nil {
		s.t.Error("in enforce mode an attacker is not refused")
	}
	if text := s.order("mode", "shadow", "--for", "6s"); !strings.Contains(text, "shop is in shadow mode by hand for ") {
		s.t.Errorf("mode: %q", text)
	}
	await(s.t, 5*time.Second, "the attacker gets more than its limit", func() error {
		if n := server.HeldBy()[attacker]; n <= perSource {
			return fmt.Errorf("it holds %d", n)
		}
		return nil
	})
	d.awaitStatus("the mode goes back by itself", func(st *control.Status) error {
		if st.Services[0].Mode != policy.Enforce || len(st.Modes) != 0 {
			return fmt.Errorf("mode %s, %+v", st.Services[0].Mode, st.Modes)
		}
		return nil
	})
	await(s.t, 5*time.Second, "the attacker is refused again", func() error {
		if s.open(s.Attackers, attacker, v4()) == nil {
			return errors.New("it is served")
		}
		return nil
	})
}

// tryPolicy has a policy on trial for a few seconds.
func (s *stage) tryPolicy(d *daemon) {
	s.t.Helper()
	s.write(strings.Replace(policyFile{}.text(s.socket()), "per_source = 100", "per_source = 150", 1))
	if text := s.order("reload", "--for", "3s"); !strings.Contains(text, "on trial for ") {
		s.t.Errorf("reload: %q", text)
	}
	if got := d.awaitStatus("the policy is on trial", reloaded); got.Services[0].PerSource != 150 || got.Reload.Left <= 0 {
		s.t.Errorf("on trial: limit %d, %+v", got.Services[0].PerSource, got.Reload)
	}
	got := d.awaitStatus("the policy before it is back", func(st *control.Status) error {
		if !st.Reload.TrialOver {
			return fmt.Errorf("%+v", st.Reload)
		}
		return nil
	})
	if got.Services[0].PerSource != perSource {
		s.t.Errorf("limit %d, want that of the policy before, %d", got.Services[0].PerSource, perSource)
	}
}
