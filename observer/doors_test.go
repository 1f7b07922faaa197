package observer

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/cgroup"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// listener makes what a dump reports for a listening socket.
func listener(local string, v6only bool) listening {
	a := netip.MustParseAddrPort(local)
	s := inetdiag.Socket{Family: unix.AF_INET6, State: inetdiag.Listen, LocalAddr: a.Addr().As16(), LocalPort: a.Port(), V6Only: v6only, RQueue: 3, WQueue: 9}
	if a.Addr().Is4() {
		s.Family = unix.AF_INET
	}
	return newListening(&s)
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func ports(list ...uint16) []policy.PortRange {
	var out []policy.PortRange
	for _, p := range list {
		out = append(out, policy.PortRange{First: p, Last: p})
	}
	return out
}

func TestDoors(t *testing.T) {
	services := []policy.Service{
		{Name: "web", Ports: ports(80)},
		{Name: "one", Ports: ports(81, 83), Addresses: addrs("192.0.2.1", "2001:db8::1")},
		{Name: "two", Ports: ports(81), Addresses: addrs("192.0.2.2")},
		{Name: "range", Ports: []policy.PortRange{{First: 8000, Last: 8010}}},
	}
	tests := []struct {
		name      string
		listeners []listening
		local     string
		want      int
	}{
		{"unspecified IPv4", []listening{listener("0.0.0.0:80", false)}, "198.51.100.1:80", 0},
		{"unspecified IPv4 does not serve IPv6", []listening{listener("0.0.0.0:80", false)}, "[2001:db8::9]:80", noService},
		{"dual stack serves IPv4", []listening{listener("[::]:80", false)}, "198.51.100.1:80", 0},
		{"dual stack serves IPv6", []listening{listener("[::]:80", false)}, "[2001:db8::9]:80", 0},
		{"v6only serves IPv6", []listening{listener("[::]:80", true)}, "[2001:db8::9]:80", 0},
		{"v6only does not serve IPv4", []listening{listener("[::]:80", true)}, "198.51.100.1:80", noService},
		{"mapped unspecified serves IPv4 only", []listening{listener("[::ffff:0.0.0.0]:80", false)}, "198.51.100.1:80", 0},
		{"mapped unspecified does not serve IPv6", []listening{listener("[::ffff:0.0.0.0]:80", false)}, "[2001:db8::9]:80", noService},
		{"exact", []listening{listener("192.0.2.7:80", false)}, "192.0.2.7:80", 0},
		{"exact mapped", []listening{listener("[::ffff:192.0.2.7]:80", false)}, "192.0.2.7:80", 0},
		{"exact, other address", []listening{listener("192.0.2.7:80", false)}, "192.0.2.8:80", noService},
		{"no listener", nil, "192.0.2.7:80", noService},
		{"listener on another port of the service", []listening{listener("0.0.0.0:8000", false)}, "192.0.2.7:8001", noService},
		{"port of a range", []listening{listener("0.0.0.0:8010", false)}, "192.0.2.7:8010", 3},
		{"port of nobody", []listening{listener("0.0.0.0:22", false)}, "192.0.2.7:22", noService},
		{"service address behind unspecified", []listening{listener("0.0.0.0:81", false)}, "192.0.2.1:81", 1},
		{"other service, same listener", []listening{listener("0.0.0.0:81", false)}, "192.0.2.2:81", 2},
		{"address of no service", []listening{listener("0.0.0.0:81", false)}, "192.0.2.3:81", noService},
		{"IPv6 service address needs an IPv6 listener", []listening{listener("0.0.0.0:81", false)}, "[2001:db8::1]:81", noService},
		{"IPv6 service address", []listening{listener("[::]:81", true)}, "[2001:db8::1]:81", 1},
		{"exact listener on an address of no service", []listening{listener("192.0.2.3:81", false)}, "192.0.2.3:81", noService},
		{"twice the same listener", []listening{listener("192.0.2.1:81", false), listener("192.0.2.1:81", false), listener("0.0.0.0:81", false)}, "192.0.2.1:81", 1},
	}
	d := &doors{} // used again for every case
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.build(tt.listeners, services)
			local := netip.MustParseAddrPort(tt.local)
			if got := d.find(addressOf(local.Addr()), local.Port()); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestDoorsAgreeWithServes compares with policy.Service.Serves and the listeners, one by one.
func TestDoorsAgreeWithServes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	pool := addrs("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2", "2001:db8::3")
	d := &doors{}
	for range 300 {
		services := []policy.Service{
			{Name: "a", Ports: ports(80), Addresses: pool[rnd.IntN(2):2]},
			{Name: "b", Ports: ports(81, 82), Addresses: pool[3:5]},
			{Name: "c", Ports: ports(82), Addresses: pool[:2]},
			{Name: "d", Ports: ports(83)},
		}
		var all []listening
		for range rnd.IntN(6) {
			local := append(addrs("0.0.0.0", "::"), pool...)[rnd.IntN(8)]
			all = append(all, listener(netip.AddrPortFrom(local, uint16(80+rnd.IntN(4))).String(), rnd.IntN(2) == 0))
		}
		d.build(all, services)
		for _, a := range pool {
			for port := uint16(79); port < 85; port++ {
				want := noService
				for i := range services {
					if services[i].Serves(netip.AddrPortFrom(a, port)) && slices.ContainsFunc(all, func(l listening) bool { return l.port == port && l.serves(a) }) {
						want = i
					}
				}
				if got := d.find(addressOf(a), port); got != want {
					t.Fatalf("%v port %d behind %+v: service %d, want %d", a, port, all, got, want)
				}
			}
		}
	}
}

func TestReport(t *testing.T) {
	services := []policy.Service{
		{Name: "web", Ports: ports(80)},
		{Name: "two", Ports: ports(81), Addresses: addrs("192.0.2.2")},
		{Name: "one", Ports: ports(81), Addresses: addrs("192.0.2.1")},
	}
	full := listener("[::]:80", false)
	full.queue = 9
	all := []listening{listener("[::]:80", false), listener("192.0.2.9:81", false), full, listener("0.0.0.0:81", false), listener("[::ffff:10.0.0.1]:80", false)}
	got := report(all, services, noUnit, noSegment)
	want := []policy.Listener{
		{Service: "one", Local: netip.MustParseAddrPort("0.0.0.0:81"), Queue: 3, Backlog: 9},
		{Service: "two", Local: netip.MustParseAddrPort("0.0.0.0:81"), Queue: 3, Backlog: 9},
		{Service: "web", Local: netip.MustParseAddrPort("10.0.0.1:80"), Queue: 3, Backlog: 9},
		{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Queue: 9, Backlog: 9},
		{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Queue: 3, Backlog: 9},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTargetWithScatteredPorts(t *testing.T) {
	p := &policy.Policy{Services: []policy.Service{{Name: "many"}}}
	for port := uint16(1); len(p.Services[0].Ports) <= inetdiag.MaxPortRanges; port += 2 {
		p.Services[0].Ports = append(p.Services[0].Ports, policy.PortRange{First: port, Last: port})
	}
	tg, err := newTarget(p)
	if err == nil || tg.filter != nil || tg.empty() {
		t.Errorf("got filter of %d bytes, %v; want none and the reason", len(tg.filter), err)
	}
}

// noUnit knows no control group.
func noUnit(uint64) cgroup.Unit { return cgroup.Unit{} }
