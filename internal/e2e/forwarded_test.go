package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// quickly is a rate at which sources pass their limits before these come, so that there is something to
// close, and at which the flood then has something left to be refused.
const quickly = 2000

// TestForwardedFlood floods a port which the victim publishes for a container behind it, as a
// container engine does. The container's slots come back though the victim has no socket to destroy.
func TestForwardedFlood(t *testing.T) {
	for _, tt := range []struct {
		name      string
		target    netip.AddrPort
		attackers []netip.Addr
		sources   int
	}{
		{"8 IPv4 sources", v4(), lab.AttackRange().IPv4(8), 8},
		{"500 addresses of one IPv6 subnet", v6(), lab.AttackRange().OneSubnet(500), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			server := s.container()
			clients := s.clients(tt.target)
			before := s.rules()
			d := s.daemon(policyFile{traffic: "forwarded"})
			d.awaitStatus("peace", healthy)
			onset := time.Now()
			flood := s.hoard(s.Attackers, lab.HoardConfig{Target: tt.target, Sources: tt.attackers, Total: 3000,
				Rate: quickly, Payload: lab.PartialRequest()})
			t.Logf("first rule %v after onset (goal: under %v)", s.awaitTable(true).Seen.Sub(onset).Round(time.Millisecond), firstRuleGoal)
			status := d.awaitStatus("all sources are limited", limiting(tt.sources))
			checkForwardedAttack(t, status)
			s.checkOthersTrack(d) // notrack would undo the translation

			s.awaitLimited(perSource, server, flood)
			s.awaitRefusal(tt.attackers[0], tt.target)
			s.checkClients(clients, onset)
			s.checkForwardedCut(d, server)

			s.stop(flood)
			s.awaitTable(false)
			if after := s.rules(); after != before {
				t.Errorf("rules after the attack:\n%s\nwere:\n%s", after, before)
			}
			s.served(clients, 50)
			d.awaitStatus("peace again", func(status *control.Status) error {
				if shop := status.Services[0]; status.State != control.StatePeace || len(shop.Attacks) > 0 || shop.LimitsTotal != 0 {
					return fmt.Errorf("state %q, attack %+v, %d limits", status.State, shop.Attacks, shop.LimitsTotal)
				}
				return healthy(status)
			})
		})
	}
}

// awaitRefusal waits until a new connection is answered with a reset: the kernel sends a thousand a second,
// and what exceeds them has no answer. None may be taken.
func (s *stage) awaitRefusal(from netip.Addr, to netip.AddrPort) {
	s.t.Helper()
	await(s.t, soon, "a new connection of a limited source is refused", func() error {
		err := s.open(s.Attackers, from, to)
		if err == nil {
			s.t.Fatal("a new connection of a limited source was taken")
		}
		if !errors.Is(err, unix.ECONNREFUSED) {
			return err
		}
		return nil
	})
}

// TestForwardedLeavesTheHostAlone floods a local service of the same host in the same way: a
// service for forwarded connections must not count them.
func TestForwardedLeavesTheHostAlone(t *testing.T) {
	s := newStage(t)
	server := s.server(v4(), capacity) // nothing publishes the port
	d := s.daemon(policyFile{traffic: "forwarded"})
	s.flood(v4(), lab.AttackRange().IPv4(2), 1000)
	await(t, soon, "the flood is in", moreThan(2*perSource, server))
	remains(t, 2*time.Second, "indifference", func() error {
		status := d.status()
		if shop := status.Services[0]; shop.Held != 0 || len(shop.Attacks) > 0 || status.Table.Present || len(s.table.Presences()) != 0 {
			return fmt.Errorf("%d held, attack %+v, table %+v", shop.Held, shop.Attacks, status.Table)
		}
		return healthy(status)
	})
	if n := s.conntrack(); n != 0 {
		t.Errorf("%d conntrack entries: watching has switched it on", n)
	}
}

// container adds a container to the victim, which publishes the service's port, and starts a
// server in it.
func (s *stage) container() *lab.Server {
	s.t.Helper()
	if err := s.AddContainer(lab.Publication{Port: port, To: 80}); err != nil {
		s.t.Fatal(err)
	}
	server, err := lab.StartServer(s.t.Context(), s.Container, lab.ServerConfig{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, Capacity: capacity})
	if err != nil {
		s.t.Fatal(err)
	}
	return server
}

// checkForwardedAttack checks what the daemon tells of an attack on a published port.
func checkForwardedAttack(t *testing.T, status *control.Status) {
	t.Helper()
	shop := status.Services[0]
	if a := shop.Attacks; status.State != control.StateAttack || len(a) != 1 || a[0].Kind != "connection-flood" || a[0].PeakHeld < perSource {
		t.Fatalf("state %q, attacks %+v", status.State, shop.Attacks)
	}
	for _, l := range shop.Limits {
		if l.Measured < perSource || l.Rule != "connections.per_source" || !attacking(l.Source) {
			t.Errorf("limit %+v", l)
		}
	}
	if len(shop.Listeners) != 0 {
		t.Errorf("listeners %+v, want none: they are the container's", shop.Listeners)
	}
}

// checkForwardedCut checks that the daemon has closed what was in excess of the limits, and that nobody
// else's connections were.
func (s *stage) checkForwardedCut(d *daemon, server *lab.Server) {
	s.t.Helper()
	status := d.status()
	shop := status.Services[0]
	if shop.ClosedConnections == 0 {
		s.t.Error("no connection was closed")
	}
	if err := healthy(status); err != nil {
		s.t.Error(err)
	}
	if n := server.Counts().Aborted; n < shop.ClosedConnections {
		s.t.Errorf("%d connections closed, and the server lost %d", shop.ClosedConnections, n)
	}
	if !strings.Contains(d.log.String(), "closed excess connections") {
		s.t.Error("the daemon does not say that it closed connections")
	}
	s.t.Logf("%d forwarded connections were closed", shop.ClosedConnections)
}
