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

const (
	// roomy is a capacity which the flood of these tests does not fill: what a forwarded source
	// holds in excess is not closed, so that a full server would stay full.
	roomy = 4000
	// slowly is a rate at which limits come before the flood has all it wants, so that there is
	// something left to refuse.
	slowly = 500
)

// TestForwardedFlood floods a port which the victim publishes for a container behind it, as a
// container engine does.
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
				Rate: slowly, Payload: lab.PartialRequest()})
			t.Logf("first rule %v after onset (goal: under %v)", s.awaitTable(true).Seen.Sub(onset).Round(time.Millisecond), firstRuleGoal)
			status := d.awaitStatus("all sources are limited", limiting(tt.sources))
			checkForwardedAttack(t, status)
			s.checkOthersTrack(d) // notrack would undo the translation

			await(t, 20*time.Second, "the flood is refused", func() error {
				if c := flood.Counts(); c.Refused < 1000 {
					return fmt.Errorf("%+v", c)
				}
				return nil
			})
			full := held(server)
			remains(t, 2*time.Second, "what the sources hold", func() error {
				for source, n := range held(server) {
					if attacking(source) && n > full[source] {
						return fmt.Errorf("%v held %d connections, and now %d", source, full[source], n)
					}
				}
				return nil
			})
			if err := s.open(s.Attackers, tt.attackers[0], tt.target); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("a new connection of a limited source: %v, want it refused", err)
			}
			s.checkClients(clients, onset)
			s.checkNothingClosed(d, server, flood)

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

// TestForwardedLeavesTheHostAlone floods a local service of the same host in the same way: a
// service for forwarded connections must not count them.
func TestForwardedLeavesTheHostAlone(t *testing.T) {
	s := newStage(t)
	server := s.server(v4(), roomy) // nothing publishes the port
	d := s.daemon(policyFile{traffic: "forwarded"})
	s.flood(v4(), lab.AttackRange().IPv4(2), 1000)
	await(t, 20*time.Second, "the flood is in", moreThan(2*perSource, server))
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
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, Capacity: roomy})
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

// checkNothingClosed checks that the daemon has closed nothing: it could only close sockets of the
// host itself, which have nothing to do with a forwarded connection.
func (s *stage) checkNothingClosed(d *daemon, server *lab.Server, flood *lab.Hoard) {
	s.t.Helper()
	status := d.status()
	if n := status.Services[0].ClosedConnections; n != 0 {
		s.t.Errorf("%d connections closed", n)
	}
	if err := healthy(status); err != nil {
		s.t.Error(err)
	}
	if c := flood.Counts(); c.Closed != 0 {
		s.t.Errorf("connections of the flood were cut: %+v", c)
	}
	if strings.Contains(d.log.String(), "closed excess connections") {
		s.t.Error("the daemon says it closed connections")
	}
	s.t.Logf("the container holds %d connections, most of them in excess of the limit", server.Counts().Held)
}
