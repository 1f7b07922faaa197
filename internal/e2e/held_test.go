package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ebbgate/internal/lab"
)

// held sums up what the server holds by source: an IPv4 address, or an IPv6 /64.
func held(server *lab.Server, leaveOut ...netip.Addr) map[netip.Prefix]int {
	sources := make(map[netip.Prefix]int)
	for addr, n := range server.HeldBy() {
		bits := 32
		if addr.Is6() {
			bits = 64
		}
		if source := netip.PrefixFrom(addr, bits).Masked(); !slices.Contains(leaveOut, addr) {
			sources[source] += n
		}
	}
	return sources
}

// atMost is a condition: no source holds more than limit at the server.
func atMost(limit int, server *lab.Server, leaveOut ...netip.Addr) func() error {
	return func() error {
		for source, n := range held(server, leaveOut...) {
			if n > limit {
				return fmt.Errorf("%s holds %d connections, the limit is %d", source, n, limit)
			}
		}
		return nil
	}
}

// moreThan is a condition: some source holds more than limit at the server.
func moreThan(limit int, server *lab.Server) func() error {
	return func() error {
		most := 0
		for _, n := range held(server) {
			most = max(most, n)
		}
		if most <= limit {
			return fmt.Errorf("no source holds more than %d connections", most)
		}
		return nil
	}
}

// passing is what a source may hold for a moment: one that was below half of its limit at the last
// census is not yet counted by the kernel, so what it holds then and a whole limit more can pass
// until the next census, which closes the excess.
func passing(limit int) int { return limit/2 + limit }

// awaitLimited waits until no source holds more than limit at the server, and checks that this
// lasts while the flood goes on opening connections.
func (s *stage) awaitLimited(limit int, server *lab.Server, flood *lab.Hoard, leaveOut ...netip.Addr) {
	s.t.Helper()
	await(s.t, 20*time.Second, "every source is held to its limit", atMost(limit, server, leaveOut...))
	before := flood.Counts()
	remains(s.t, 2*time.Second, "the limit", atMost(passing(limit), server, leaveOut...))
	await(s.t, 20*time.Second, "no source is left above its limit", atMost(limit, server, leaveOut...))
	after := flood.Counts()
	if after.Attempts-before.Attempts < 100 || after.Refused-before.Refused < 100 {
		s.t.Errorf("the flood did not go on against the limit: %+v, then %+v", before, after)
	}
}
