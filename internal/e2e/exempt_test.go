package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestExemptLosesNothing floods from a subnet and from single addresses of which one each is
// exempt and holds three times its limit, and from which more connections are opened.
func TestExemptLosesNothing(t *testing.T) {
	const holds = 300
	for _, tt := range []struct {
		name      string
		target    netip.AddrPort
		attackers []netip.Addr // the first is exempt and attacks nobody
		limited   int
	}{
		{"IPv4 address beside attackers", v4(), lab.AttackRange().IPv4(9), 8},
		{"address inside an attacking IPv6 subnet", v6(), lab.AttackRange().OneSubnet(300), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			exempt := tt.attackers[0]
			server := s.server(everywhere(), capacity)
			d := s.daemon(policyFile{exempt: []string{exempt.String()}})
			friend := s.hoard(s.Attackers, lab.HoardConfig{Target: tt.target, Sources: []netip.Addr{exempt}, PerSource: holds, Payload: lab.PartialRequest()})
			whole := func() error {
				if at, c := server.HeldBy()[exempt], friend.Counts(); at < holds || c.Held != holds || c.Closed != 0 || c.Refused != 0 {
					return fmt.Errorf("the server holds %d of its connections, want %d; it has %+v", at, holds, c)
				}
				return nil
			}
			await(t, soon, "the exempt address holds its connections", whole)

			flood := s.flood(tt.target, tt.attackers[1:], 2000)
			s.awaitTable(true)
			s.awaitLimited(perSource, server, flood, exempt)
			d.awaitStatus("the others are limited", limiting(tt.limited))
			for i := range 50 {
				if err := s.open(s.Attackers, exempt, tt.target); err != nil {
					t.Fatalf("connection %d more of the exempt address: %v", i+1, err)
				}
			}
			if err := s.open(s.Attackers, tt.attackers[1], tt.target); err == nil {
				t.Error("an attacker is not refused")
			}
			if err := whole(); err != nil {
				t.Error(err)
			}
		})
	}
}

// open opens a connection and keeps it until the test ends.
func (s *stage) open(n *lab.Namespace, from netip.Addr, to netip.AddrPort) error {
	_, err := s.dial(n, from, to)
	return err
}

// dial is open for who wants to use the connection.
func (s *stage) dial(n *lab.Namespace, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	conn, err := n.Dial(ctx, from, to)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn, nil
}
