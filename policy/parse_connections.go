package policy

import "slices"

func (p *parser) connections(path string, raw *rawConnections, ipv6Source int) Connections {
	c := Connections{CloseExcess: DefaultCloseExcess}
	if raw.CloseExcess != nil {
		c.CloseExcess = *raw.CloseExcess
	}
	c.PerSource = p.perSource(path+".per_source", raw.PerSource, "no limit")
	c.PerPrefix = p.perPrefix(path, raw.PerPrefix, c.PerSource, ipv6Source)
	return c
}

// perSource reads how many connections one source may hold; absent, described by leftOut, is 0.
func (p *parser) perSource(path string, raw *int64, leftOut string) int {
	if raw != nil && *raw == 0 {
		p.problem(path, "0 is no limit, must be %d to %d, or left out for %s", MinPerSource, MaxPerSource, leftOut)
		return 0
	}
	return p.integer(path, raw, 0, MinPerSource, MaxPerSource)
}

// perPrefix reads the limits of prefixes, which lie in the table at path beside the limit of a
// source, and returns the good ones: IPv4 first, and of a family the longest first.
func (p *parser) perPrefix(path string, raw []*rawPrefixLimit, perSource, ipv6Source int) []PrefixLimit {
	list := path + ".per_prefix"
	if len(raw) > MaxPrefixLimits {
		p.problem(list, "has %d entries, must be at most %d", len(raw), MaxPrefixLimits)
		return nil
	}
	var limits []PrefixLimit
	first := make(map[PrefixLimit]string, len(raw))
	for i, r := range raw {
		if r == nil {
			continue
		}
		entry := joinIndex(list, i)
		length, key, ok := p.prefixLength(entry, r, ipv6Source)
		most := p.prefixMax(entry+".limit", r.Limit, perSource, path+".per_source")
		if !ok {
			continue
		}
		if earlier, again := first[length]; again {
			p.problem(key, "%d is the length of the entry on line %d already, keep one", length.Bits, p.at.line(earlier))
			continue
		}
		first[length] = key
		length.Max = most
		limits = append(limits, length)
	}
	slices.SortFunc(limits, func(a, b PrefixLimit) int {
		switch {
		case a.IPv6 == b.IPv6:
			return b.Bits - a.Bits
		case b.IPv6:
			return -1
		}
		return 1
	})
	return limits
}

// prefixLength reads which prefixes an entry of per_prefix limits, and by which key it says so.
func (p *parser) prefixLength(entry string, raw *rawPrefixLimit, ipv6Source int) (length PrefixLimit, key string, ok bool) {
	ipv4, ipv6 := entry+".ipv4", entry+".ipv6"
	switch {
	case p.at.has(ipv4) && p.at.has(ipv6):
		p.problem(entry, "has both ipv4 and ipv6, must be one entry for each")
	case raw.IPv4 != nil:
		bits := p.integer(ipv4, raw.IPv4, 0, MinIPv4Prefix, MaxIPv4Prefix)
		return PrefixLimit{Bits: bits}, ipv4, bits > 0
	case raw.IPv6 != nil && *raw.IPv6 >= int64(ipv6Source) && *raw.IPv6 <= MaxIPv6Source:
		p.problem(ipv6, "%d is not shorter than a source (observe.ipv6_source is %d), must be %d to %d",
			*raw.IPv6, ipv6Source, MinIPv6Prefix, ipv6Source-1)
	case raw.IPv6 != nil:
		bits := p.integer(ipv6, raw.IPv6, 0, MinIPv6Prefix, ipv6Source-1)
		return PrefixLimit{IPv6: true, Bits: bits}, ipv6, bits > 0
	case !p.at.has(ipv4) && !p.at.has(ipv6):
		p.problem(entry, "has no prefix length, must be like { ipv4 = 24, limit = 800 } or { ipv6 = 48, limit = 800 }")
	}
	return PrefixLimit{}, "", false
}

// prefixMax reads what the sources within a prefix may hold together, at least what one may.
func (p *parser) prefixMax(path string, raw *int64, perSource int, sourceKey string) int {
	if raw == nil && !p.at.has(path) {
		p.problem(path, "is missing, must be %d to %d", max(MinPerSource, perSource), MaxPerPrefix)
	}
	if raw != nil && *raw >= MinPerSource && *raw < int64(perSource) {
		p.problem(path, "%d is below the per_source of line %d, must be %d to %d",
			*raw, p.at.line(sourceKey), perSource, MaxPerPrefix)
		return 0
	}
	return p.integer(path, raw, 0, max(MinPerSource, perSource), MaxPerPrefix)
}
