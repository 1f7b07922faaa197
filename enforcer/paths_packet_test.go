package enforcer

import (
	"net/netip"
	"testing"

	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// path is a way to a listener, and what the policy says of it.
type path struct {
	name    string
	v4, v6  netip.AddrPort // the zero AddrPort: not by this family
	ports   []uint16       // of the service
	at      []netip.Addr   // its addresses; none: all
	traffic policy.Traffic
	missed  bool // answers do not reach what goes this way
	drops   bool // answers that drop are played here, too: each packet they take is waited for
}

func (p *path) to(from netip.Addr) netip.AddrPort {
	if from.Is6() {
		return p.v6
	}
	return p.v4
}

// ground is a laboratory in which a number of paths lie.
type ground struct {
	name  string
	env   Environment
	lay   func(t *testing.T, f *field)
	paths []path
}

// Addresses and ports of the grounds. The host has a second address of each family on the attackers'
// link. The container's port differs from the one it is published under.
var (
	other4, other6   = netip.MustParseAddr("10.88.0.1"), netip.MustParseAddr("fd88::1")
	behind4, behind6 = lab.ClientV4(), lab.VictimV6().Next()
)

const (
	ipv4Port    = 8001 // a listener of IPv4 alone; the others serve both families
	besidePort  = 9000 // of no service
	behindPort  = 8080 // of the container
	strangeDoor = 9090 // of the attackers' own listener
)

func both(a4, a6 netip.Addr, port uint16) (v4, v6 netip.AddrPort) {
	return netip.AddrPortFrom(a4, port), netip.AddrPortFrom(a6, port)
}

func pathTo(name string, a4, a6 netip.Addr, port uint16, p path) path {
	p.name = name
	p.v4, p.v6 = both(a4, a6, port)
	return p
}

var grounds = []ground{
	{name: "a host where nobody tracks", lay: layHost, paths: []path{
		pathTo("to the host", lab.VictimV4(), lab.VictimV6(), 80, path{ports: []uint16{80}, drops: true}),
		pathTo("to the port of sshd", lab.VictimV4(), lab.VictimV6(), sshPort, path{ports: []uint16{80, sshPort}}),
		{name: "to a listener of IPv4 alone", v4: netip.AddrPortFrom(lab.VictimV4(), ipv4Port), ports: []uint16{ipv4Port}},
		pathTo("to the address of the service", lab.VictimV4(), lab.VictimV6(), 80, path{ports: []uint16{80}, at: []netip.Addr{lab.VictimV4(), lab.VictimV6()}}),
		pathTo("to another address of the host", other4, other6, 80, path{ports: []uint16{80}, at: []netip.Addr{lab.VictimV4(), lab.VictimV6()}, missed: true}),
		pathTo("to another port", lab.VictimV4(), lab.VictimV6(), besidePort, path{ports: []uint16{80}, missed: true}),
		pathTo("to a machine behind the host", behind4, behind6, 80, path{ports: []uint16{80}, missed: true}),
	}},
	{name: "a host with a container", env: Environment{OthersTrack: true}, lay: layContainer, paths: []path{
		pathTo("to the host", lab.VictimV4(), lab.VictimV6(), besidePort, path{ports: []uint16{besidePort}}),
		pathTo("to a published port", lab.VictimV4(), lab.VictimV6(), 80, path{ports: []uint16{80}, traffic: policy.Forwarded, drops: true}),
		pathTo("to a published port of a service that is also local", lab.VictimV4(), lab.VictimV6(), 80, path{ports: []uint16{80}, traffic: policy.Both}),
		pathTo("to the container by its own address", lab.ContainerV4(), lab.ContainerV6(), 80,
			path{ports: []uint16{80}, at: []netip.Addr{lab.ContainerV4(), lab.ContainerV6()}, traffic: policy.Forwarded}),
		pathTo("to a container that is not the service's", lab.ContainerV4(), lab.ContainerV6(), 80,
			path{ports: []uint16{80}, traffic: policy.Forwarded, missed: true}),
	}},
}

// layHost serves all paths of a host, and those of a machine behind it, to which it forwards.
func layHost(t *testing.T, f *field) {
	f.serve(t, f.lab.Victim, "[::]:80", "[::]:443", "[::]:9000", "0.0.0.0:8001")
	f.serve(t, f.lab.Clients, "[::]:80")
	for _, name := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if err := f.lab.Victim.SetSysctl(name, "1"); err != nil {
			t.Fatal(err)
		}
	}
}

func layContainer(t *testing.T, f *field) {
	if err := f.lab.AddContainer(lab.Publication{Port: 80, To: behindPort}); err != nil {
		t.Fatal(err)
	}
	f.serve(t, f.lab.Victim, "[::]:9000")
	f.serve(t, f.lab.Container, "[::]:80", "[::]:8080")
}

// serve starts a server in a namespace.
func (f *field) serve(t *testing.T, n *lab.Namespace, at ...string) {
	t.Helper()
	c := lab.ServerConfig{Capacity: 1000}
	for _, a := range at {
		c.Listen = append(c.Listen, netip.MustParseAddrPort(a))
	}
	if _, err := lab.StartServer(t.Context(), n, c); err != nil {
		t.Fatal(err)
	}
}
