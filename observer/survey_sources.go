package observer

import (
	"net/netip"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// SourceGroup says which addresses count as one source in a SourceCount.
type SourceGroup struct {
	IPv4  int            // prefix length, 1 to 32
	IPv6  int            // prefix length, 1 to 128
	Whole []netip.Prefix // IPv6 prefixes whose addresses are sources of their own
	Own   []netip.Addr   // the host's addresses, which are no source
}

// SourceCount counts connections by service and source in the table a census uses, for those who
// walk the sockets themselves. It is not safe for concurrent use.
type SourceCount struct {
	group    SourceGroup
	services int
	own      map[address]struct{}
	grouping *grouping
	tally    tally
}

// NewSourceCount returns an empty count for services 0 to services-1 that tells bound sources
// apart, at 32 bytes each (64 while it grows). Beyond, the lighter half is summed up.
func NewSourceCount(services int, group SourceGroup, bound int) *SourceCount {
	c := &SourceCount{group: group, services: services, own: make(map[address]struct{})}
	for _, a := range group.Own {
		c.own[addressOf(a.WithZone(""))] = struct{}{}
	}
	t := &target{ipv6Source: group.IPv6}
	t.finer = t.appendFiner(t.finer, group.Whole, everyService)
	c.grouping = newGrouping(t, nil)
	c.tally.reset(services, bound)
	return c
}

// Add counts one connection of a service, held or half-open. Those from the host's own addresses
// have no source.
func (c *SourceCount) Add(service int, s *inetdiag.Socket, held bool) {
	remote := addressFrom16(&s.RemoteAddr)
	if _, own := c.own[remote]; own || remote.loopback() {
		return
	}
	if remote.is4() {
		remote.lo &^= ^uint64(0) >> (32 + c.group.IPv4)
	}
	c.tally.add(c.grouping, service, remote, held)
}

// Sources returns the heaviest sources of each service, at most limit, in the order of
// policy.ComparePrefix with the single address that explains one, and the sum of the others. whole is false if sources had to be summed up
// while counting: counts are lower bounds then, and Rest.Sources is an upper one.
func (c *SourceCount) Sources(limit int) (lists [][]policy.SourceCensus, rests []policy.Rest, whole bool) {
	lists, rests = c.tally.sources(c.services, limit)
	for _, list := range lists {
		for i := range list {
			if list[i].Source.Addr().Is4() {
				list[i].Source = netip.PrefixFrom(list[i].Source.Addr(), c.group.IPv4)
			}
		}
	}
	return lists, rests, !c.tally.pruned
}
