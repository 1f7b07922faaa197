package policy

import (
	"cmp"
	"net/netip"
	"slices"
)

// overrides reads the [[service.override]] tables of a service and returns one Override for each
// prefix, the longest first.
func (p *parser) overrides(path string, raw []*rawOverride) []Override {
	var all []Override
	first := make(map[netip.Prefix]string)
	listed := 0
	for i, r := range raw {
		if r == nil {
			continue
		}
		table := joinIndex(path, i)
		limits := p.overrideLimits(table, r)
		list := table + ".prefixes"
		if listed += len(r.Prefixes); listed > MaxOverrides {
			p.problem(list, "brings the prefixes of this service to %d, must be at most %d", listed, MaxOverrides)
			break
		}
		if len(r.Prefixes) == 0 && (r.Prefixes != nil || !p.at.has(list)) {
			p.problem(list, "names no prefix, must be like [\"198.51.100.0/24\", \"2001:db8:2::/48\"]")
		}
		for _, prefix := range p.overridden(list, r.Prefixes, first) {
			limits.Prefix = prefix
			all = append(all, limits)
		}
	}
	slices.SortFunc(all, func(a, b Override) int {
		return cmp.Or(b.Prefix.Bits()-a.Prefix.Bits(), ComparePrefix(a.Prefix, b.Prefix))
	})
	return all
}

// overrideLimits reads what an override sets for all of its prefixes.
func (p *parser) overrideLimits(table string, raw *rawOverride) Override {
	perSource, newPerSource := table+".per_source", table+".new_per_source"
	if !p.at.has(perSource) && !p.at.has(newPerSource) {
		p.problem(table, "sets no limit, must have per_source, new_per_source or both")
	}
	return Override{
		PerSource:    p.perSource(perSource, raw.PerSource, "that of the service"),
		NewPerSource: p.rate(newPerSource, raw.NewPerSource, 0, MinNewPerSource, MaxNewPerSource),
	}
}

// overridden reads the prefixes of one override; first has the place of each of the service so far.
func (p *parser) overridden(path string, raw []*string, first map[netip.Prefix]string) []netip.Prefix {
	var prefixes []netip.Prefix
	for i, text := range raw {
		if text == nil {
			continue
		}
		at := joinIndex(path, i)
		prefix, ok := p.prefix(at, *text)
		if !ok {
			continue
		}
		if earlier, again := first[prefix]; again {
			p.problem(at, "%s has an override of this service on line %d already, keep one", prefix, p.at.line(earlier))
			continue
		}
		first[prefix] = at
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}
