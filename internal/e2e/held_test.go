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

// passing is what a source may hold for a moment: what it held before the kernel counted it, at most its limit
// once the census has closed the excess, and a whole limit more, until the next census closes that too.
func passing(limit int) int { return 2 * limit }

// awaitLimited waits until every source has been held to its limit at the server for two seconds while the flood
// went on against it. Before the first count that lasts as long as the machine makes it: who was not counted yet
// is not held yet.
func (s *stage) awaitLimited(limit int, server *lab.Server, flood *lab.Hoard, leaveOut ...netip.Addr) {
	s.t.Helper()
	await(s.t, soon, "every source is held to its limit", atMost(limit, server, leaveOut...))
	var from time.Time
	var before lab.HoardCounts
	await(s.t, 60*time.Second, "the flood has gone on against the limit for two seconds", func() error {
		if err := atMost(passing(limit), server, leaveOut...)(); err != nil {
			from = time.Time{}
			return err
		}
		c := flood.Counts()
		if from.IsZero() {
			from, before = time.Now(), c
		}
		if time.Since(from) < 2*time.Second || c.Attempts-before.Attempts < 100 || c.Refused-before.Refused < 100 {
			return fmt.Errorf("held for %v; the flood did %+v, and then %+v", time.Since(from), before, c)
		}
		return nil
	})
	await(s.t, soon, "no source is left above its limit", atMost(limit, server, leaveOut...))
}
