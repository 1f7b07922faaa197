package enforcer

import (
	"slices"

	"ebbgate/policy"
)

// Same reports whether two decisions under one policy ask for the same ruleset, but for the ends of
// leases that move with each piece of evidence. Whoever takes one for the other for less than a third of
// the shortest lease lets none run out (see Diff). It takes a fraction of the time Compile does.
func Same(a, b *policy.Decision) bool {
	return slices.EqualFunc(a.Limits, b.Limits, func(x, y policy.Limit) bool {
		return x.Source == y.Source && x.Refuse == y.Refuse && x.Exact == y.Exact && x.Service == y.Service
	}) && slices.EqualFunc(a.Watched, b.Watched, func(x, y policy.Watched) bool {
		return x.Source == y.Source && x.Service == y.Service
	}) && sameBlocks(a.Blocks, b.Blocks) && slices.EqualFunc(a.Drops, b.Drops, func(x, y policy.SYNDrop) bool {
		return x.Source == y.Source && x.Service == y.Service
	}) && slices.EqualFunc(a.Meters, b.Meters, func(x, y policy.Meter) bool {
		return x.Service == y.Service && x.Max == y.Max
	}) && slices.EqualFunc(a.Proxies, b.Proxies, func(x, y policy.Proxy) bool {
		return x.Service == y.Service && x.MSS4 == y.MSS4 && x.MSS6 == y.MSS6 && (x.Until != 0) == (y.Until != 0) && (x.Drain != 0) == (y.Drain != 0)
	}) && slices.Equal(a.Exempt, b.Exempt) && slices.Equal(a.SSH.Ports, b.SSH.Ports) && slices.Equal(a.SSH.Admins, b.SSH.Admins)
}

// sameBlocks compares blocks, of which there may be a million. Step gives out the very list of before
// when nothing about them changed.
func sameBlocks(a, b []policy.Block) bool {
	return identical(a, b) || slices.EqualFunc(a, b, func(x, y policy.Block) bool {
		return x.Source == y.Source && x.Until == y.Until && x.Service == y.Service && x.ByHand() == y.ByHand()
	})
}

// identical reports whether two lists are one and the same, which is known at a glance however long they are.
func identical[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
