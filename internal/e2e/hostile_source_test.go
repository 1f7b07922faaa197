package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// impossible are sources that no client has: unspecified, loopback, multicast, broadcast, the victim's own, and such as
// mean nothing beyond one link.
func impossible() (four, six []netip.Addr) {
	for _, a := range []string{"0.0.0.0", "0.0.0.1", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255", "169.254.0.1", "10.77.255.255", lab.VictimV4().String()} {
		four = append(four, netip.MustParseAddr(a))
	}
	for _, a := range []string{"::", "::1", "ff02::1", "ff0e::1", "fe80::1", "64:ff9b::10.66.0.1", lab.VictimV6().String()} {
		six = append(six, netip.MustParseAddr(a))
	}
	return four, six
}

// TestForgedSourcesThatNobodyHas sends SYNs from them, each above its rate, among such as exist, until the excess is
// dropped. None is ever limited or blocked, and the host goes on reaching itself by its own addresses and by loopback.
func TestForgedSourcesThatNobodyHas(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	d := s.kindDaemon(kindPolicy{synRate: 10, synPressure: 1000})
	clients := s.clients(v4())
	four, six := impossible()
	for to, sources := range map[netip.AddrPort][]netip.Addr{
		v4(): slices.Concat(four, lab.AttackRange().IPv4(4)),
		v6(): slices.Concat(six, lab.AttackRange().IPv6(4)),
	} {
		if _, err := lab.StartSpoof(t.Context(), s.Attackers, lab.SpoofConfig{Target: to, Sources: sources, Rate: 800}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, 60*time.Second, "SYNs are dropped", func() error {
		status, err := d.ask()
		if err != nil {
			return err
		}
		if err := unpunished(status); err != nil {
			t.Fatal(err)
		}
		if status.Services[0].DroppedPackets == 0 {
			return fmt.Errorf("none is; open are %v", openKinds(status))
		}
		return nil
	})
	await(t, 20*time.Second, "500 more are", func() func() error {
		before := d.status().Services[0].DroppedPackets
		return func() error {
			if d.status().Services[0].DroppedPackets < before+500 {
				return errNotYet
			}
			return nil
		}
	}())
	for from, to := range map[string]netip.AddrPort{
		lab.VictimV4().String(): v4(), "127.0.0.1": v4(), "127.0.0.2": netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", port)),
		lab.VictimV6().String(): v6(), "::1": netip.MustParseAddrPort(fmt.Sprintf("[::1]:%d", port)),
	} {
		if err := s.open(s.Victim, netip.MustParseAddr(from), to); err != nil {
			t.Errorf("the host reaches itself no more: %v", err)
		}
	}
	if err := unpunished(d.status()); err != nil {
		t.Error(err)
	}
	s.served(clients, 20)
}
