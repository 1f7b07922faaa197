package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

const (
	outgoing     = 500
	outgoingPort = 9000 // where lab.StartOutgoing connects to
)

// TestOutgoingCausesNothing holds connections that the host has opened itself, five times as many
// to one address as that address might open.
func TestOutgoingCausesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ports string
		at    uint16 // where the victim listens
	}{
		{"to another port", fmt.Sprint(port), port},
		{"to the service's port", fmt.Sprint(outgoingPort), outgoingPort},
		{"from within the service's ports", `"32768-60999"`, 40000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.server(netip.AddrPortFrom(netip.IPv6Unspecified(), tt.at), capacity)
			d := s.daemon(policyFile{services: []serviceText{{"shop", tt.ports, perSource}}})
			out, err := lab.StartOutgoing(t.Context(), s.Lab, outgoing)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				before := d.status().Census.Taken
				status := d.awaitStatus(fmt.Sprintf("census %d is taken", i+1), func(s *control.Status) error {
					if !s.Census.Taken.After(before.Time) {
						return errors.New("it is not")
					}
					return healthy(s)
				})
				if shop := status.Services[0]; status.State != control.StatePeace || shop.LimitsTotal != 0 || len(shop.Attacks) > 0 || shop.Held != 0 {
					t.Errorf("state %q, service %+v", status.State, shop)
				}
			}
			s.checkOutgoing(out)
			if came := s.table.Presences(); len(came) > 0 {
				t.Errorf("a table was there: %v", came)
			}
			if rules := s.rules(); rules != "" {
				t.Errorf("there are rules:\n%s", rules)
			}
		})
	}
}

// TestOutgoingSurvivesItsPeersAttack lets the very address attack to which the host holds
// connections of its own.
func TestOutgoingSurvivesItsPeersAttack(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	out, err := lab.StartOutgoing(t.Context(), s.Lab, outgoing)
	if err != nil {
		t.Fatal(err)
	}
	flood := s.hoard(s.Clients, lab.HoardConfig{Target: v4(), Sources: []netip.Addr{lab.ClientV4()}, Total: 1000, Payload: lab.PartialRequest()})
	s.awaitTable(true)
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("the peer is limited", limiting(1))
	s.checkOutgoing(out)
	sink := netip.AddrPortFrom(lab.ClientV4(), outgoingPort)
	s.stop(out)
	again, err := lab.StartOutgoing(t.Context(), s.Lab, outgoing)
	if err != nil {
		t.Fatalf("open connections to %s while it is limited: %v", sink, err)
	}
	remains(t, time.Second, "the host's own connections", func() error { return whole(again) })
}

func (s *stage) checkOutgoing(out *lab.Outgoing) {
	s.t.Helper()
	if err := whole(out); err != nil {
		s.t.Error(err)
	}
}

// whole is a condition: none of the host's own connections was cut.
func whole(out *lab.Outgoing) error {
	if c := out.Counts(); c.Held != outgoing || c.Closed != 0 {
		return fmt.Errorf("of %d connections: %+v", outgoing, c)
	}
	return nil
}
