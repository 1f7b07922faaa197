package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// Goals, and how far beyond them a busy machine may be before a test fails.
const (
	firstRuleGoal   = time.Second
	servedAgainGoal = 2 * time.Second
	patience        = 5
)

// TestFloodIsStopped is the whole path: a flood fills a server, limits come, the clients are served
// again while the flood goes on, and when it ends nothing is left.
func TestFloodIsStopped(t *testing.T) {
	for _, tt := range []struct {
		name           string
		listen, target netip.AddrPort
		attackers      []netip.Addr
		sources        int
	}{
		{"8 IPv4 sources", v4(), v4(), lab.AttackRange().IPv4(8), 8},
		{"500 addresses of one IPv6 subnet", v6(), v6(), lab.AttackRange().OneSubnet(500), 1},
		{"IPv4 at a dual-stack listener", everywhere(), v4(), lab.AttackRange().IPv4(8), 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			server := s.server(tt.listen, capacity)
			clients := s.clients(tt.target)
			d := s.daemon(policyFile{})
			onset := time.Now()
			flood := s.flood(tt.target, tt.attackers, 3000)

			s.measureOnset(clients, onset)
			s.awaitLimited(perSource, server, flood)
			status := d.awaitStatus("all sources are limited", limiting(tt.sources))
			checkAttack(t, status, tt.sources)
			t.Logf("the service held %d connections at the peak", status.Services[0].Attacks[0].PeakHeld)
			s.checkClients(clients, time.Now().Add(-3*time.Second))

			over := time.Now()
			s.stop(flood)
			gone := s.awaitTable(false).Gone
			t.Logf("the table went %v after the flood (quiet time 1 s)", gone.Sub(over).Round(time.Millisecond))
			s.checkPeace(d, clients)
		})
	}
}

// measureOnset waits for the first rule and for the clients' recovery, and says how long each took.
func (s *stage) measureOnset(clients *lab.Clients, onset time.Time) {
	s.t.Helper()
	first := s.awaitTable(true).Seen.Sub(onset)
	s.t.Logf("first rule %v after onset (goal: under %v)", first.Round(time.Millisecond), firstRuleGoal)
	if first > patience*firstRuleGoal {
		s.t.Errorf("the first rule took %v", first)
	}
	var again time.Duration
	await(s.t, soon, "the clients are served again", func() error {
		failed, ok := clients.FirstFailure(onset)
		if !ok {
			// An outage begins within the first second, or the limits came before it.
			if time.Since(onset) < 3*time.Second {
				return fmt.Errorf("no request has failed so far")
			}
			return nil
		}
		at, ok := clients.Recovered(failed, time.Second)
		if !ok {
			return fmt.Errorf("they are not: %w", clients.LastError())
		}
		again = at.Sub(onset)
		return nil
	})
	if again == 0 {
		s.t.Logf("the clients were served all the time (goal: within %v)", servedAgainGoal)
		return
	}
	lost := clients.Span(onset, onset.Add(again)).Failed
	s.t.Logf("clients served again %v after onset (goal: under %v), %d requests lost", again.Round(time.Millisecond), servedAgainGoal, lost)
	if again > patience*servedAgainGoal {
		s.t.Errorf("serving the clients again took %v", again)
	}
}

// checkAttack checks what the daemon tells of the attack.
func checkAttack(t *testing.T, status *control.Status, sources int) {
	t.Helper()
	shop := status.Services[0]
	if status.State != control.StateAttack || len(shop.Attacks) == 0 {
		t.Fatalf("state %q, attacks %+v", status.State, shop.Attacks)
	}
	if a := shop.Attacks[0]; a.Kind != "connection-flood" || a.FirstRule.IsZero() || a.PeakSources < sources || a.PeakHeld < perSource {
		t.Errorf("attack %+v", a)
	}
	if !status.Table.Present || status.Table.Owned == ownerless(t) || status.Table.Conntrack != control.ConntrackOurs {
		t.Errorf("table %+v", status.Table)
	}
	for _, l := range shop.Limits {
		if l.Mode != policy.Enforce || l.Max != perSource || l.Threshold != perSource || l.Measured < perSource ||
			l.Rule != "connections.per_source" || l.LeaseLeft <= 0 || !attacking(l.Source) {
			t.Errorf("limit %+v", l)
		}
	}
	if shop.ClosedConnections == 0 || shop.RefusedPackets == 0 {
		t.Errorf("%d connections closed and %d packets refused, want some of both", shop.ClosedConnections, shop.RefusedPackets)
	}
}

// attacking reports whether a source lies where attackers come from.
func attacking(source netip.Prefix) bool {
	all := lab.AttackRange()
	return all.V4.Overlaps(source) && source.Bits() == 32 || all.V6.Overlaps(source) && source.Bits() == 64
}

// checkClients checks that nearly all requests since then were served.
func (s *stage) checkClients(clients *lab.Clients, since time.Time) {
	s.t.Helper()
	span := clients.Span(since, time.Now())
	s.t.Logf("while the flood went on %d of %d requests were served (goal: 99 %%), half of them within %v",
		span.Succeeded, span.Succeeded+span.Failed, span.P50.Round(time.Microsecond))
	if span.Succeeded == 0 || span.Failed*10 > span.Succeeded {
		s.t.Errorf("requests %+v; the last failure: %v", span, clients.LastError())
	}
}

// checkPeace checks that nothing is left of an attack: no rule, no growing table of connections,
// no limit, no fault.
func (s *stage) checkPeace(d *daemon, clients *lab.Clients) {
	s.t.Helper()
	if rules := s.rules(); rules != "" {
		s.t.Errorf("rules are left:\n%s", rules)
	}
	before := s.conntrack()
	s.served(clients, 50)
	if after := s.conntrack(); after > before {
		s.t.Errorf("the conntrack table grows in peace: %d entries, then %d", before, after)
	}
	status := d.status()
	if shop := status.Services[0]; status.State != control.StatePeace || len(shop.Attacks) > 0 || shop.LimitsTotal != 0 || status.Table.Present {
		s.t.Errorf("state %q, attack %+v, %d limits, table %+v", status.State, shop.Attacks, shop.LimitsTotal, status.Table)
	}
	if err := healthy(status); err != nil {
		s.t.Error(err)
	}
}
