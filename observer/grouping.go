package observer

import "net/netip"

// grouping says which addresses form one source (policy.Group), and which are judged on their
// own although their group is wider: addresses that are exempt or have limits of their own, whose
// connections must not be laid to their neighbours' charge nor excuse them, and the host's own.
type grouping struct {
	bits   int                       // of an IPv6 source
	own    map[address]struct{}      // the host's addresses
	single map[address]serviceSet    // IPv6 addresses to be kept whole, and for which services
	finer  map[address][]finerPrefix // by mixed group: prefixes whose addresses are to be kept whole
}

// finerPrefix is an IPv6 prefix within a group.
type finerPrefix struct {
	base     address
	bits     int
	services serviceSet
}

// newGrouping builds the grouping of a target for a host with the given addresses.
func newGrouping(t *target, own []netip.Addr) *grouping {
	g := &grouping{bits: t.ipv6Source, own: map[address]struct{}{}, single: map[address]serviceSet{},
		finer: map[address][]finerPrefix{}}
	for _, a := range own {
		local := addressOf(a.WithZone(""))
		g.own[local] = struct{}{}
		if !local.is4() {
			g.keepWhole(local, 128, everyService)
		}
	}
	for _, list := range [][]finerPrefix{t.finer, t.exempt} {
		for _, f := range list {
			g.keepWhole(f.base, f.bits, f.services)
		}
	}
	return g
}

func (g *grouping) keepWhole(base address, bits int, services serviceSet) {
	if bits <= g.bits {
		return
	}
	group := base.masked(g.bits)
	prefixes := g.finer[group]
	if bits == 128 {
		g.single[base] |= services
	} else {
		prefixes = append(prefixes, finerPrefix{base, bits, services})
	}
	g.finer[group] = prefixes // even if empty: the group is mixed now
}

// group returns the source an address counts for, if it is not to be kept whole.
func (g *grouping) group(a address) (address, uint8) {
	if a.is4() {
		return a, 32
	}
	return a.masked(g.bits), uint8(g.bits)
}

// mixed reports whether some addresses of a group are to be kept whole. It is asked once for each
// source; only sockets of mixed groups are looked at more closely.
func (g *grouping) mixed(group address) bool {
	_, ok := g.finer[group]
	return ok
}

// whole reports whether an IPv6 address of a mixed group is to be kept whole for a service.
func (g *grouping) whole(a address, service uint16) bool {
	if g.single[a].has(service) {
		return true
	}
	for _, f := range g.finer[a.masked(g.bits)] {
		if f.services.has(service) && a.masked(f.bits) == f.base {
			return true
		}
	}
	return false
}

// ours reports whether an address is the host's own.
func (g *grouping) ours(a address) bool {
	_, ok := g.own[a]
	return ok || a.loopback()
}
