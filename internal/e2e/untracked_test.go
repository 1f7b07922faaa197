package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// TestConntrackIsOnOnlyWhileItCounts goes from peace through a SYN flood and a connection flood back to
// peace: conntrack is on while the kernel counts for us, and at no other time.
func TestConntrackIsOnOnlyWhileItCounts(t *testing.T) {
	s := newStage(t)
	s.forgetful()
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{synRate: synRate, synPressure: lowPress})
	s.checkUntracked()

	spoof := s.spoof(v4(), lab.SpoofRange().IPv4(5), 20_000)
	d.awaitKind(policy.SYNFlood)
	s.sent(spoof, 40_000)
	s.checkUntracked()
	s.stop(spoof)

	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	await(t, soon, "the kernel counts", func() error {
		if !strings.Contains(s.rules(), "ct count") {
			return errNotYet
		}
		return nil
	})
	d.awaitStatus("all sources are limited", limiting(8))
	s.awaitLimited(perSource, server, flood)
	s.stop(flood)
	s.awaitOver(d)
	await(t, soon, "what was tracked is forgotten", func() error {
		if n := s.tracked().of(lab.AttackRange()); len(n) > 0 {
			return fmt.Errorf("entries %v", n)
		}
		return nil
	})
	// The kernel leaves conntrack on for a moment after the rules: a few clients of that moment lie there.
	before := s.conntrack()
	s.served(clients, 100)
	if after := s.conntrack(); after > before {
		t.Errorf("after the attack clients are tracked: %d entries, then %d", before, after)
	}
}

// TestWithoutConntrack holds a flood by the refuse sets alone, as the policy wants it.
func TestWithoutConntrack(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	p := policyFile{}.text(s.socket()) + "\n[limits]\nconntrack = \"never\"\n"
	s.write(p)
	d := s.start(command("run", "--config", s.config()))
	onset := time.Now()
	floods := []*lab.Hoard{s.flood(v4(), lab.AttackRange().IPv4(8), 1500), s.flood(v6(), lab.AttackRange().OneSubnet(100), 500)}
	d.awaitStatus("all sources are limited", limiting(9))
	for _, f := range floods {
		s.awaitHeldByCensus(server, f)
	}
	s.checkUntracked()
	if status := d.status(); status.Table.Conntrack != control.ConntrackOff {
		t.Errorf("conntrack is %q", status.Table.Conntrack)
	}
	s.checkClients(clients, onset)
	for _, f := range floods {
		s.stop(f)
	}
	s.awaitTable(false)
	s.checkUntracked()
}

// awaitHeldByCensus waits until no source is above its limit although the flood goes on: between two
// censuses one may pass it, and what it has in excess is closed.
func (s *stage) awaitHeldByCensus(server *lab.Server, flood *lab.Hoard) {
	s.t.Helper()
	before := flood.Counts().Refused
	await(s.t, soon, "every source is held to its limit while the flood goes on", func() error {
		if n := flood.Counts().Refused - before; n < 100 {
			return fmt.Errorf("%d connections were refused", n)
		}
		return atMost(perSource, server)()
	})
}
