package suggest

import (
	"cmp"
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// level is what one source or prefix counts at a time.
type level struct {
	source netip.Prefix
	count  int
}

// entry is what is remembered of one source or prefix.
type entry struct {
	source      netip.Prefix
	sustained   int   // highest count of a whole span
	peak        int   // highest count of one moment
	sustainedAt int64 // when the span ended, in Unix nanoseconds
}

// need is the limit under which the source would never have been at its limit: twice what it sustains,
// and more than it ever had.
func (e *entry) need() int { return max(2*e.sustained, e.peak+1) }

// table remembers the highest counts of sources, or of prefixes, in the order of
// policy.ComparePrefix.
type table struct {
	entries []entry
	cut     bool // sources were dropped: there were more than the bound
	through []level
	begun   bool
}

// count takes in the levels of one census, which are sorted and none twice. At most bound sources are
// kept, those with the highest need.
func (t *table) count(now []level, bound int) {
	t.peaks(now)
	if !t.begun {
		t.through, t.begun = slices.Clone(now), true
	} else {
		t.through = lesser(t.through, now)
	}
	t.trim(bound)
}

// settle ends a span: what is left has been there all the time. The next span begins with last.
func (t *table) settle(wall int64, last []level) {
	t.sustain(t.through, wall)
	t.through = slices.Clone(last)
}

// sustain raises what sources sustain. A source that was dropped stays so.
func (t *table) sustain(levels []level, wall int64) {
	i := 0
	for _, l := range levels {
		for i < len(t.entries) && policy.ComparePrefix(t.entries[i].source, l.source) < 0 {
			i++
		}
		if i == len(t.entries) {
			return
		}
		if e := &t.entries[i]; e.source == l.source && l.count > e.sustained {
			e.sustained, e.sustainedAt = l.count, wall
		}
	}
}

// peaks raises the peaks, and adds the sources that are new.
func (t *table) peaks(now []level) {
	var added []entry
	i := 0
	for _, l := range now {
		for i < len(t.entries) && policy.ComparePrefix(t.entries[i].source, l.source) < 0 {
			i++
		}
		if i < len(t.entries) && t.entries[i].source == l.source {
			t.entries[i].peak = max(t.entries[i].peak, l.count)
		} else {
			added = append(added, entry{source: l.source, peak: l.count})
		}
	}
	if len(added) > 0 {
		t.entries = append(t.entries, added...)
		slices.SortFunc(t.entries, func(a, b entry) int { return policy.ComparePrefix(a.source, b.source) })
	}
}

// trim drops the sources with the least need beyond the bound; among equals those that come last.
func (t *table) trim(bound int) {
	if len(t.entries) <= bound {
		return
	}
	t.cut = true
	slices.SortFunc(t.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.need(), a.need()), policy.ComparePrefix(a.source, b.source))
	})
	t.entries = t.entries[:bound]
	slices.SortFunc(t.entries, func(a, b entry) int { return policy.ComparePrefix(a.source, b.source) })
}

// lesser returns the sources that are in both lists, with the lesser of their counts. It reuses a.
func lesser(a, b []level) []level {
	kept := a[:0]
	j := 0
	for _, l := range a {
		for j < len(b) && policy.ComparePrefix(b[j].source, l.source) < 0 {
			j++
		}
		if j == len(b) {
			break
		}
		if b[j].source == l.source {
			kept = append(kept, level{l.source, min(l.count, b[j].count)})
		}
	}
	return kept
}

// sum returns the sum of two sorted lists.
func sum(a, b []level) []level {
	out := make([]level, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch c := policy.ComparePrefix(a[0].source, b[0].source); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, level{a[0].source, a[0].count + b[0].count})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// heaviest keeps the n levels that count most, in the order they have.
func heaviest(levels []level, n int) []level {
	if len(levels) <= n {
		return levels
	}
	slices.SortFunc(levels, func(a, b level) int {
		return cmp.Or(cmp.Compare(b.count, a.count), policy.ComparePrefix(a.source, b.source))
	})
	levels = levels[:n]
	slices.SortFunc(levels, func(a, b level) int { return policy.ComparePrefix(a.source, b.source) })
	return levels
}

// prefixes sums up sorted sources by prefix. Sources that are not within one prefix are left out.
func prefixes(sources []level) []level {
	var out []level
	for _, l := range sources {
		bits := prefixBits(l.source.Addr())
		if l.source.Bits() <= bits {
			continue
		}
		p := netip.PrefixFrom(l.source.Addr(), bits).Masked()
		if n := len(out); n > 0 && out[n-1].source == p {
			out[n-1].count += l.count
		} else {
			out = append(out, level{p, l.count})
		}
	}
	return out
}

// The prefix lengths limits are proposed for: what one customer or site usually has.
const (
	bits4 = 24
	bits6 = 48
)

func prefixBits(a netip.Addr) int {
	if a.Is4() {
		return bits4
	}
	return bits6
}
