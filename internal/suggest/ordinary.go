package suggest

import (
	"cmp"
	"slices"

	"ebbgate/policy"
)

const (
	// leastSources is how many sources or prefixes must have been seen to tell what is normal.
	leastSources = 5
	// heavyFactor is how many times more than the ordinary heavy ones a source is heavy.
	heavyFactor = 5
)

// split tells the ordinary sources from the heavy ones, which stand apart: the least of them needs
// heavyFactor times what the median of the tenth below it needs, and as many times the least limit. They
// are few: a tenth of all, or three where that is not more than a quarter. Where more stand apart they
// are another class of ordinary ones. Both lists are sorted by need, the lightest first.
func split(entries []entry, least int) (ordinary, heavy []entry) {
	all := slices.Clone(entries)
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.need(), b.need()), policy.ComparePrefix(b.source, a.source))
	})
	few := max(len(all)/10, min(3, len(all)/4))
	for i := len(all) - few; i < len(all); i++ {
		tenth := (i + 9) / 10
		usual := all[i-(tenth+1)/2].need()
		if need := all[i].need(); need > heavyFactor*max(usual, least) {
			return all[:i], all[i:]
		}
	}
	return all, nil
}

// most returns the entries that sustain and that had the most at one moment.
func most(entries []entry) (sustained, peak entry) {
	for _, e := range entries {
		if e.sustained > sustained.sustained {
			sustained = e
		}
		if e.peak > peak.peak {
			peak = e
		}
	}
	return sustained, peak
}

// step is what figures of the size of n are rounded to: two digits, of hundreds the half.
func step(n int) int {
	switch {
	case n <= 100:
		return 10
	case n <= 1000:
		return 50
	}
	s := 100
	for n >= 100*s {
		s *= 10
	}
	return s
}

// roundUp returns a figure people can remember, at least n.
func roundUp(n int) int {
	s := step(n)
	return (n + s - 1) / s * s
}

// roundDown returns a figure people can remember, at most n.
func roundDown(n int) int {
	if n < 10 {
		return n
	}
	return n / step(n) * step(n)
}
