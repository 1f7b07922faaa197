package policy

import (
	"net/netip"
	"slices"
)

// align walks two lists that are sorted by prefix side by side and calls each once for every prefix in
// either, with nil for what the other list lacks.
func align[A, B any](as []A, bs []B, prefixA func(*A) netip.Prefix, prefixB func(*B) netip.Prefix, each func(*A, *B)) {
	for len(as) > 0 || len(bs) > 0 {
		var order int
		switch {
		case len(as) == 0:
			order = 1
		case len(bs) == 0:
			order = -1
		default:
			order = ComparePrefix(prefixA(&as[0]), prefixB(&bs[0]))
		}
		var a *A
		var b *B
		if order <= 0 {
			a, as = &as[0], as[1:]
		}
		if order >= 0 {
			b, bs = &bs[0], bs[1:]
		}
		each(a, b)
	}
}

func ofSource(s *SourceState) netip.Prefix   { return s.Source }
func ofCensus(c *SourceCensus) netip.Prefix  { return c.Source }
func ofEnding(e *SourceEndings) netip.Prefix { return e.Source }
func ofPrefix(p *PrefixState) netip.Prefix   { return p.Prefix }
func ofCut(c *Cut) netip.Prefix              { return c.Source }

// inOrder returns a list sorted by prefix: itself, or a sorted copy.
func inOrder[T any](list []T, prefix func(*T) netip.Prefix) []T {
	for i := 1; i < len(list); i++ {
		if ComparePrefix(prefix(&list[i-1]), prefix(&list[i])) > 0 {
			list = slices.Clone(list)
			slices.SortFunc(list, func(a, b T) int { return ComparePrefix(prefix(&a), prefix(&b)) })
			break
		}
	}
	return list
}
