package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wireUpWithin is how long a new veth pair may take to come up; it takes a millisecond.
const wireUpWithin = 5 * time.Second

// wire is a veth pair between the victim and another namespace. On the victim's side the link has
// the other's name, on the other side it is called "victim".
type wire struct {
	victim, other *Namespace
	net4, net6    netip.Prefix // the victim has the first address, the other the second
	local         []Range      // routed to the other, all local there
	dead          []Range      // routed to the other, dropped there
}

func clientsWire(l *Lab) wire {
	return wire{
		victim: l.Victim, other: l.Clients,
		net4: netip.PrefixFrom(VictimV4(), 24), net6: netip.PrefixFrom(VictimV6(), 64),
		local: []Range{ClientRange()},
	}
}

func attackersWire(l *Lab) wire {
	return wire{
		victim: l.Victim, other: l.Attackers,
		net4: netip.MustParsePrefix("10.88.0.1/24"), net6: netip.MustParsePrefix("fd88::1/64"),
		local: []Range{AttackRange()}, dead: []Range{SpoofRange()},
	}
}

// prepare sets what a namespace needs before it has links: the loopback up, no reverse-path filter
// (sources are asymmetric here by design), no forwarding (a dead range must die), IPv6 on. IPv4
// settings of a new namespace are inherited from the host, so none may be taken for granted.
func (n *Namespace) prepare() error {
	for _, s := range []struct{ name, value string }{
		{"net.ipv4.conf.all.rp_filter", "0"},
		{"net.ipv4.conf.default.rp_filter", "0"},
		{"net.ipv4.ip_forward", "0"},
		{"net.ipv4.tcp_syncookies", "1"},
		{"net.ipv6.conf.all.disable_ipv6", "0"},
		{"net.ipv6.conf.default.disable_ipv6", "0"},
		{"net.ipv6.conf.all.forwarding", "0"},
	} {
		if err := n.SetSysctl(s.name, s.value); err != nil {
			return err
		}
	}
	return n.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find the loopback of %q: %w", n.name, err)
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return fmt.Errorf("set the loopback of %q up: %w", n.name, err)
		}
		return nil
	})
}

// lay makes the pair, its addresses and its routes, and waits until both ends are up.
func (w wire) lay() error {
	if err := w.victim.Do(w.addPair); err != nil {
		return err
	}
	var near, far net.HardwareAddr
	near4, near6 := w.net4.Addr(), w.net6.Addr()
	far4, far6 := near4.Next(), near6.Next()
	if err := w.victim.configure(w.other.name, &near, w.net4, w.net6); err != nil {
		return err
	}
	other4, other6 := netip.PrefixFrom(far4, w.net4.Bits()), netip.PrefixFrom(far6, w.net6.Bits())
	if err := w.other.configure("victim", &far, other4, other6); err != nil {
		return err
	}
	if err := w.victim.finish(w.other.name, far, far4, far6, w.victimRoutes()); err != nil {
		return err
	}
	return w.other.finish("victim", near, near4, near6, w.otherRoutes())
}

// addPair runs inside the victim; the peer is born in the other namespace, so that the host never
// sees either end.
func (w wire) addPair() error {
	err := netlink.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: w.other.name},
		PeerName:      "victim",
		PeerNamespace: netlink.NsFd(w.other.fd),
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("add the veth pair: %w: this kernel has no veth links (CONFIG_VETH; modprobe veth)", err)
	}
	if err != nil {
		return fmt.Errorf("add the veth pair: %w", err)
	}
	return nil
}

// configure gives one end its addresses, without duplicate address detection, and sets it up.
func (n *Namespace) configure(link string, mac *net.HardwareAddr, addrs ...netip.Prefix) error {
	return n.Do(func() error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return fmt.Errorf("find the link %q in %q: %w", link, n.name, err)
		}
		*mac = l.Attrs().HardwareAddr
		for _, a := range addrs {
			addr := &netlink.Addr{IPNet: ipNet(a)}
			if a.Addr().Is6() {
				addr.Flags = unix.IFA_F_NODAD
			}
			if err := netlink.AddrAdd(l, addr); err != nil {
				return fmt.Errorf("add the address %s in %q: %w", a, n.name, err)
			}
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return fmt.Errorf("set the link %q in %q up: %w", link, n.name, err)
		}
		return nil
	})
}

// finish waits until the end is up, names its neighbour, so that no packet ever waits for ARP or
// neighbour discovery, and adds the routes.
func (n *Namespace) finish(link string, peer net.HardwareAddr, peer4, peer6 netip.Addr, routes []netlink.Route) error {
	return n.Do(func() error {
		l, err := awaitUp(link)
		if err != nil {
			return fmt.Errorf("link %q in %q: %w", link, n.name, err)
		}
		for _, a := range []netip.Addr{peer4, peer6} {
			err := netlink.NeighSet(&netlink.Neigh{
				LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: peer,
			})
			if err != nil {
				return fmt.Errorf("add the neighbour %s in %q: %w", a, n.name, err)
			}
		}
		return n.addRoutes(routes, l.Attrs().Index)
	})
}

// awaitUp waits until the kernel's link watcher has seen the carrier: packets sent before that are
// dropped without a word.
func awaitUp(name string) (netlink.Link, error) {
	deadline := time.Now().Add(wireUpWithin)
	for {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return nil, err
		}
		if l.Attrs().OperState == netlink.OperUp {
			return l, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("not up after %s, it is %s", wireUpWithin, l.Attrs().OperState)
		}
		time.Sleep(time.Millisecond)
	}
}

// ipNet converts for the netlink library.
func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
