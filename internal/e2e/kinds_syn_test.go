package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

const (
	synRate  = 200
	noPress  = 1_000_000 // SYNs a second: a pressure the tests never reach
	lowPress = 2_000
)

// TestSYNFloodIsDroppedOnlyUnderPressure floods with SYNs of five addresses that complete nothing,
// below and above the pressure of the policy.
func TestSYNFloodIsDroppedOnlyUnderPressure(t *testing.T) {
	for _, tt := range []struct {
		name     string
		sources  []netip.Addr
		pressure int
		drops    bool
	}{
		{"silent hosts, below", lab.SpoofRange().IPv4(5), noPress, false},
		{"silent hosts, above", lab.SpoofRange().IPv4(5), lowPress, true},
		{"living hosts, below", lab.AttackRange().IPv4(5), noPress, false},
		{"living hosts, above", lab.AttackRange().IPv4(5), lowPress, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.forgetful()
			s.server(everywhere(), capacity)
			clients := s.clients(v4())
			d := s.kindDaemon(kindPolicy{synRate: synRate, synPressure: tt.pressure})
			onset := time.Now()
			flood := s.spoof(v4(), tt.sources, 20_000)
			a := d.awaitKind(policy.SYNFlood)
			if a.Rule != "rate.syn_per_source" || a.Threshold != synRate {
				t.Errorf("attack %+v", a)
			}
			if tt.drops {
				d.awaitStatus("SYNs are dropped", func(s *control.Status) error {
					if n := s.Services[0].DroppedPackets; n < 10_000 {
						return fmt.Errorf("%d are", n)
					}
					return unpunished(s)
				})
			}
			s.sent(flood, 60_000)
			status := d.status()
			if n := status.Services[0].DroppedPackets; !tt.drops && n != 0 {
				t.Errorf("%d SYNs were dropped below the pressure", n)
			}
			if err := unpunished(status); err != nil {
				t.Error(err)
			}
			s.checkUntracked()
			s.checkUnharmed(clients, onset)
			s.stop(flood)
			s.awaitOver(d)
			d.checkOnly(policy.SYNFlood)
		})
	}
}

// TestSpoofedFloodIsLeftToTheCookies floods with SYNs of 60,000 random sources, above the pressure of
// the policy. Nobody is held responsible: nothing is kept, dropped or tracked for any address.
func TestSpoofedFloodIsLeftToTheCookies(t *testing.T) {
	for _, tt := range []struct {
		name    string
		target  netip.AddrPort
		sources []netip.Addr
	}{
		{"IPv4", v4(), lab.SpoofRange().IPv4(60_000)},
		{"IPv6", v6(), lab.SpoofRange().IPv6(60_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.forgetful()
			s.server(everywhere(), capacity)
			clients := s.clients(tt.target)
			d := s.kindDaemon(kindPolicy{synRate: synRate, synPressure: lowPress, newRate: 50, capacity: capacity, blockAfter: "1s"})
			onset := time.Now()
			flood := s.spoof(tt.target, tt.sources, 20_000)
			a := d.awaitKind(policy.SpoofedSYNFlood)
			if err := saysAll(a.Why, "SYN cookies"); err != nil {
				t.Error(err)
			}
			cookies := s.cookies()
			s.sent(flood, 100_000)
			if sent := s.cookies() - cookies; sent < 10_000 {
				t.Errorf("%d SYN cookies were sent for 100,000 SYNs: something else took them", sent)
			}
			status := d.status()
			if err := unpunished(status); err != nil {
				t.Error(err)
			}
			if n := status.Services[0].DroppedPackets; n != 0 {
				t.Errorf("%d SYNs were dropped", n)
			}
			s.checkUntracked()
			s.checkUnharmed(clients, onset)
			s.stop(flood)
			s.awaitOver(d)
			d.checkOnly(policy.SpoofedSYNFlood)
		})
	}
}

// TestSpoofedFloodWithARealOneInside forges 60,000 sources while eight others hold too much: both are
// told, and only those eight are answered.
func TestSpoofedFloodWithARealOneInside(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{synRate: synRate, synPressure: lowPress})
	spoof := s.spoof(v4(), lab.SpoofRange().IPv4(60_000), 20_000)
	d.awaitKind(policy.SpoofedSYNFlood)
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	d.awaitKind(policy.ConnectionFlood)
	s.awaitLimited(perSource, server, flood)
	status := d.awaitStatus("the eight are limited", limiting(8))
	if _, ok := attackOf(status, policy.SpoofedSYNFlood); !ok || len(status.Services[0].Attacks) != 2 {
		t.Errorf("open are %v", openKinds(status))
	}
	for _, l := range status.Services[0].Limits {
		if !attacking(l.Source) {
			t.Errorf("limit %+v", l)
		}
	}
	if forged := s.tracked().of(lab.SpoofRange()); len(forged) > 0 {
		t.Errorf("%d forged sources have conntrack entries", len(forged))
	}
	s.checkClients(clients, time.Now().Add(-2*time.Second))
	s.stop(spoof)
	s.stop(flood)
	s.awaitOver(d)
}

// TestForgedClientNoticesNothing floods in the name of a client at work, below and above the pressure
// of the policy.
func TestForgedClientNoticesNothing(t *testing.T) {
	for _, tt := range []struct {
		name     string
		pressure int
		beside   []netip.Addr // also forged
	}{
		{"below", noPress, nil},
		{"above", lowPress, nil},
		{"above, among strangers", lowPress, lab.SpoofRange().IPv4(4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.forgetful()
			s.server(everywhere(), capacity)
			client := lab.ClientRange().IPv4(1)
			clients, err := lab.StartClients(t.Context(), s.Clients, lab.ClientsConfig{Target: v4(), Sources: client, Rate: 20})
			if err != nil {
				t.Fatal(err)
			}
			s.served(clients, 20)
			d := s.kindDaemon(kindPolicy{synRate: synRate, synPressure: tt.pressure, newRate: 100, blockAfter: "1s"})
			onset := time.Now()
			flood := s.spoof(v4(), append(tt.beside, client...), 20_000*(len(tt.beside)+1))
			if len(tt.beside) > 0 {
				d.awaitStatus("SYNs of the strangers are dropped", func(s *control.Status) error {
					if s.Services[0].DroppedPackets == 0 {
						return errNotYet
					}
					return healthy(s)
				})
			}
			s.sent(flood, 100_000)
			s.served(clients, 60)
			if err := unpunished(d.status()); err != nil {
				t.Error(err)
			}
			s.checkUnharmed(clients, onset)
			d.awaitStatus("the client is listed and known", func(s *control.Status) error {
				m := s.Services[0].SYNs
				if m == nil {
					return errNotYet
				}
				for _, f := range m.Top {
					if f.Source == netip.PrefixFrom(client[0], 32) && f.Proven {
						return healthy(s)
					}
				}
				return fmt.Errorf("the meter shows %+v", m)
			})
			if n := d.status().Services[0].DroppedPackets; len(tt.beside) == 0 && n != 0 {
				t.Errorf("%d SYNs in the client's name were dropped", n)
			}
			s.stop(flood)
			s.awaitOver(d)
		})
	}
}

// forgetful makes the victim give up a handshake after a second instead of a minute: what a flood
// has left in its SYN queue makes it send cookies to everybody until then.
func (s *stage) forgetful() {
	s.t.Helper()
	if err := s.Victim.SetSysctl("net.ipv4.tcp_synack_retries", "0"); err != nil {
		s.t.Fatal(err)
	}
}

// cookies returns how many SYN cookies the victim has sent.
func (s *stage) cookies() uint64 {
	s.t.Helper()
	n, err := s.Victim.Counter("TcpExt", "SyncookiesSent")
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// saysAll reports what a text leaves out.
func saysAll(text string, words ...string) error {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return fmt.Errorf("%q does not say %q", text, w)
		}
	}
	return nil
}
