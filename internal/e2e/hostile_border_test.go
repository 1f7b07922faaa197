package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// borderPolicy has limits for sources and for /24s, others for half of a /25, and an address that is exempt.
const borderPolicy = `mode = "enforce"
[control]
socket = %q
view_group = ""
[history]
path = ""
[exempt]
prefixes = ["10.66.6.9", "fd66:0:0:6::9"]
[[service]]
name = "shop"
ports = [%d]
[service.connections]
per_source = 20
per_prefix = [{ ipv4 = 24, limit = 70 }]
[[service.override]]
prefixes = ["10.66.5.64/26"]
per_source = 40
[service.response]
lease = "3s"
quiet = "1s"
block_after = "0s"
`

// tries is how many connections an address tries to hold, and how many it may.
type tries struct {
	addr        string
	wants, gets int
}

// TestWhoStraddlesABorder has addresses on either side of each border of the policy, and addresses that look alike in
// both families. Nobody is limited for what another one holds, nor spared because of him.
func TestWhoStraddlesABorder(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	s.write(fmt.Sprintf(borderPolicy, s.socket(), port))
	d := s.start(command("run", "--config", s.config()))
	all := []tries{
		// A /24 that is nearly full, at both of its ends, and its neighbours on either side.
		{"10.66.2.255", 19, 19}, {"10.66.3.0", 19, 19}, {"10.66.3.127", 19, 19}, {"10.66.3.255", 19, 19}, {"10.66.4.0", 19, 19},
		// The first and the last address of an override, and those beside them.
		{"10.66.5.63", 30, 20}, {"10.66.5.64", 30, 30}, {"10.66.5.127", 50, 40}, {"10.66.5.128", 30, 20},
		// An address that is exempt between two that are not, and its likes in the other family.
		{"10.66.6.8", 30, 20}, {"10.66.6.9", 30, 30}, {"10.66.6.10", 30, 20},
		{"fd66:0:0:6::8", 8, 8}, {"fd66:0:0:6::9", 30, 30}, {"fd66:0:0:6::a", 8, 8},
		// The end of a /64 and the beginning of the next one: one source each.
		{"fd66:0:0:1:ffff:ffff:ffff:ffff", 15, 15}, {"fd66:0:0:2::", 15, 15},
		// The same 32 bits in either family, and again in another place of the address.
		{"10.66.7.1", 15, 15}, {"fd66::a42:701", 15, 15}, {"fd66:0:0:7::10.66.7.1", 15, 15},
	}
	for _, a := range all {
		s.holds(a)
	}
	await(t, 30*time.Second, "everybody holds what he may", func() error {
		held := server.HeldBy()
		for _, a := range all {
			if n := held[netip.MustParseAddr(a.addr)]; n != a.gets {
				return fmt.Errorf("%s holds %d, want %d", a.addr, n, a.gets)
			}
		}
		return nil
	})
	d.awaitLimits("10.66.5.63/32", "10.66.5.127/32", "10.66.5.128/32", "10.66.6.10/32", "10.66.6.8/32")

	// One more neighbour within its own limit makes the /24 too full, and nobody beside it.
	s.holds(tries{"10.66.3.77", 19, 0})
	d.awaitLimits("10.66.3.0/24", "10.66.5.63/32", "10.66.5.127/32", "10.66.5.128/32", "10.66.6.10/32", "10.66.6.8/32")
	s.passes(true, "10.66.2.255", "10.66.4.0", "10.66.4.1")
	s.passes(false, "10.66.3.0", "10.66.3.1", "10.66.3.255")

	// A block around somebody exempt, of both families.
	for _, block := range []string{"10.66.6.0/24", "fd66:0:0:6::/64"} {
		s.order("block", block, "--for", "10m")
	}
	s.passes(true, "10.66.6.9", "fd66:0:0:6::9", "10.66.7.0", "fd66:0:0:7::", "fd66:0:0:5:ffff:ffff:ffff:ffff", "fd66::a42:609")
	s.passes(false, "10.66.6.0", "10.66.6.8", "10.66.6.10", "10.66.6.255", "fd66:0:0:6::", "fd66:0:0:6::8", "fd66:0:0:6:ffff:ffff:ffff:ffff")
	await(t, 20*time.Second, "who is blocked holds nothing, who is exempt everything", func() error {
		held := server.HeldBy()
		for addr, want := range map[string]int{"10.66.6.8": 0, "10.66.6.10": 0, "10.66.6.9": 31, "fd66:0:0:6::9": 31, "fd66:0:0:6::8": 0} {
			if n := held[netip.MustParseAddr(addr)]; n != want {
				return fmt.Errorf("%s holds %d, want %d", addr, n, want)
			}
		}
		return nil
	})
}

// holds has an address try to hold connections, and come again whenever it is refused.
func (s *stage) holds(a tries) {
	s.t.Helper()
	from, to := netip.MustParseAddr(a.addr), v4()
	if from.Is6() {
		to = v6()
	}
	s.hoard(s.Attackers, lab.HoardConfig{Target: to, Sources: []netip.Addr{from}, PerSource: a.wants, Rate: 200, Payload: lab.PartialRequest()})
}

// passes checks whether addresses can open one more connection.
func (s *stage) passes(want bool, from ...string) {
	s.t.Helper()
	for _, text := range from {
		addr, to := netip.MustParseAddr(text), v4()
		if addr.Is6() {
			to = v6()
		}
		if err := s.open(s.Attackers, addr, to); (err == nil) != want {
			s.t.Errorf("%s opens a connection: %v, want that it may: %t", text, err, want)
		}
	}
}

// awaitLimits waits until exactly these are limited.
func (d *daemon) awaitLimits(sources ...string) {
	d.t.Helper()
	slices.Sort(sources)
	d.awaitStatus("who is beyond his limit is limited, and nobody else", func(s *control.Status) error {
		var got []string
		for _, l := range s.Services[0].Limits {
			got = append(got, l.Source.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, sources) {
			return fmt.Errorf("limited are %s", strings.Join(got, ", "))
		}
		return healthy(s)
	})
}
