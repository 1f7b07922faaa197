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

// TestShadowReportsAndTouchesNothing plays the flood in shadow mode: the same limits, as words.
func TestShadowReportsAndTouchesNothing(t *testing.T) {
	const total = 1600
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.daemon(policyFile{mode: "shadow"})
	onset := time.Now()
	attackers := lab.AttackRange().IPv4(8)
	flood := s.flood(v4(), attackers, total)
	untouched := func() error {
		if c := flood.Counts(); c.Held != total || c.Refused != 0 || c.Closed != 0 {
			return fmt.Errorf("the flood has %+v, want %d held and none refused or closed", c, total)
		}
		return nil
	}
	await(t, soon, "the flood holds what it wants", untouched)
	d.awaitStatus("all sources are reported", limiting(8))
	d.awaitStatus("they would be refused, and why", wouldRefuse)

	for i := range 20 {
		if err := s.open(s.Attackers, attackers[i%8], v4()); err != nil {
			t.Errorf("connection %d more of an attacker: %v", i+1, err)
		}
	}
	status := d.awaitStatus("the packets that would be refused are counted", func(s *control.Status) error {
		if n := s.Services[0].RefusedPackets; n < 20 {
			return fmt.Errorf("%d are, want 20 at least", n)
		}
		return nil
	})
	if n := status.Services[0].ClosedConnections; n < total-8*perSource {
		t.Errorf("%d connections would have been closed, want %d at least", n, total-8*perSource)
	}
	if status.Table.Conntrack != control.ConntrackOff {
		t.Errorf("conntrack is %q", status.Table.Conntrack)
	}
	s.checkShadowRules()
	if err := untouched(); err != nil {
		t.Error(err)
	}
	s.checkClients(clients, onset)
	if got := server.Counts().Held; got < total+20 {
		t.Errorf("the server holds %d connections, want %d at least", got, total+20)
	}
	s.stop(flood)
	s.awaitTable(false)
}

// wouldRefuse is a condition of a status: each limit is at its threshold, and only a report.
func wouldRefuse(s *control.Status) error {
	for _, l := range s.Services[0].Limits {
		if l.Mode != policy.Shadow || !l.Refusing || l.Max != perSource || l.Measured < perSource || !attacking(l.Source) {
			return fmt.Errorf("limit %+v", l)
		}
	}
	return nil
}

// checkShadowRules checks that the rules only count, and no conntrack is on.
func (s *stage) checkShadowRules() {
	s.t.Helper()
	rules := s.rules()
	for _, word := range []string{"ct ", "notrack", "reject", "drop"} {
		if strings.Contains(rules, word) {
			s.t.Errorf("%q in the rules of shadow mode:\n%s", word, rules)
		}
	}
	if !strings.Contains(rules, "counter") {
		s.t.Errorf("no counter in the rules of shadow mode:\n%s", rules)
	}
	if n := s.conntrack(); n != 0 {
		s.t.Errorf("%d conntrack entries", n)
	}
}
