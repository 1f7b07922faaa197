package observer

import (
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// sources returns the sources of each service, in order, at most limit of them: the heaviest, by
// connections held, then half-open, then by address. What is beyond is summed up in the rest,
// together with what the tally had to drop while counting.
func (t *tally) sources(services, limit int) ([][]policy.SourceCensus, []policy.Rest) {
	lists, rests := make([][]policy.SourceCensus, services), make([]policy.Rest, services)
	all := t.sorted()
	for service := range services {
		n := 0
		for n < len(all) && int(all[n].service) == service {
			n++
		}
		lists[service], rests[service] = heaviest(all[:n], limit)
		rests[service].Sources += t.dropped[service].sources
		rests[service].Held += t.dropped[service].held
		all = all[n:]
	}
	return lists, rests
}

// heaviest keeps limit of the slots, in the order they have.
func heaviest(all []slot, limit int) ([]policy.SourceCensus, policy.Rest) {
	var rest policy.Rest
	least, ties := uint64(0), len(all) // weight that is kept, and how many of exactly that
	if len(all) > limit {
		least, ties = threshold(all, limit)
	}
	kept := make([]policy.SourceCensus, 0, min(len(all), max(limit, 0)))
	for i := range all {
		s := &all[i]
		w := s.weight()
		if w < least || w == least && ties == 0 {
			rest.Sources++
			rest.Held += int(s.held)
			continue
		}
		if w == least {
			ties--
		}
		single, singleHeld := s.single()
		kept = append(kept, policy.SourceCensus{
			Source:     netip.PrefixFrom(s.base().addr(), int(s.bits)),
			Held:       int(s.held),
			HalfOpen:   int(s.halfOpen),
			Single:     single,
			SingleHeld: singleHeld,
		})
	}
	return kept, rest
}

// threshold returns the least weight among the limit heaviest slots, and how many slots of
// exactly that weight belong to them.
func threshold(all []slot, limit int) (least uint64, ties int) {
	if limit <= 0 {
		return ^uint64(0), 0
	}
	weights := make([]uint64, len(all))
	for i := range all {
		weights[i] = all[i].weight()
	}
	slices.Sort(weights)
	least = weights[len(weights)-limit]
	above := len(weights)
	for above > 0 && weights[above-1] > least {
		above--
	}
	return least, limit - (len(weights) - above)
}

// weight orders slots by connections held, then by half-open ones.
func (s *slot) weight() uint64 { return uint64(s.held)<<32 | uint64(s.halfOpen) }
