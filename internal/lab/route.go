package lab

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// loopback is the index of lo, which the kernel gives it in every namespace (LOOPBACK_IFINDEX).
const loopback = 1

// victimRoutes lead every range of the other namespace to it.
func (w wire) victimRoutes() []netlink.Route {
	var out []netlink.Route
	for _, r := range append(append([]Range(nil), w.local...), w.dead...) {
		out = append(out,
			netlink.Route{Dst: ipNet(r.V4), Gw: w.net4.Addr().Next().AsSlice()},
			netlink.Route{Dst: ipNet(r.V6), Gw: w.net6.Addr().Next().AsSlice()})
	}
	return out
}

// otherRoutes lead everything to the victim, make the local ranges local as a whole (AnyIP), and
// drop what comes for the dead ones.
func (w wire) otherRoutes() []netlink.Route {
	all4, all6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	out := []netlink.Route{
		{Dst: ipNet(all4), Gw: w.net4.Addr().AsSlice()},
		{Dst: ipNet(all6), Gw: w.net6.Addr().AsSlice()},
	}
	for _, r := range w.local {
		for _, p := range []netip.Prefix{r.V4, r.V6} {
			out = append(out, netlink.Route{
				Dst: ipNet(p), LinkIndex: loopback, Type: unix.RTN_LOCAL,
				Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
			})
		}
	}
	for _, r := range w.dead {
		for _, p := range []netip.Prefix{r.V4, r.V6} {
			out = append(out, netlink.Route{Dst: ipNet(p), Type: unix.RTN_BLACKHOLE})
		}
	}
	return out
}

// addRoutes adds routes on the calling thread; those with a gateway go out of the given link.
func (n *Namespace) addRoutes(routes []netlink.Route, link int) error {
	for _, r := range routes {
		if r.Gw != nil {
			r.LinkIndex = link
		}
		if err := netlink.RouteAdd(&r); err != nil {
			return fmt.Errorf("add the route to %s in %q: %w", r.Dst, n.name, err)
		}
	}
	return nil
}
