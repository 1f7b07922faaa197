package suggest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ebbgate/policy"
)

const (
	leastPerSource = 20 // connections
	leastNew       = 20 // completed connections a second
	synsForEach    = 4  // SYNs a completed connection may take: lost ones are sent again
)

// Propose says what the figures so far suggest. holders are the processes that listen for each service by
// name; nil means that nobody looked, as with a recording. It ends spans under way, so it is to be
// called once, after the last Add.
func (c *Collector) Propose(holders map[string][]Process) *Proposal {
	p := &Proposal{From: wall(c.seen.first), To: wall(c.seen.last), Seconds: c.seen.at.Sub(c.seen.began).Round(time.Millisecond).Seconds(),
		Censuses: c.seen.censuses, Incomplete: c.seen.incomplete, Notes: []string{}, Services: []Service{}}
	for _, s := range c.services {
		if c.seen.any {
			s.conclude(c.seen.last, c.seen.at)
		}
		if len(s.portRanges()) == 0 {
			p.note("service %q is left out: nothing listened on its ports, and no policy was given that names them.", s.policy.Name)
			continue
		}
		p.Services = append(p.Services, s.propose(holders))
	}
	c.notes(p)
	return p
}

func wall(ns int64) time.Time { return time.Unix(0, ns).UTC().Truncate(time.Second) }

func (s *service) propose(holders map[string][]Process) Service {
	out := Service{Service: s.policy.Name, Addresses: s.policy.Addresses, Traffic: s.policy.Traffic.String(), Ports: []string{}, Heavy: []Heavy{},
		Censuses: s.censuses, Sources: len(s.sources.entries), PeakHeld: s.peakHeld, Attacks: s.attacks, SpansSeen: s.span.settled,
		ports: portsTOML(s.portRanges()), lower: s.rate.lower, cut: s.rest || s.sources.cut}
	if out.Addresses == nil {
		out.Addresses = []netip.Addr{}
	}
	for _, r := range s.portRanges() {
		out.Ports = append(out.Ports, portText(r))
	}
	out.Capacity = Capacity{Held: s.lastHeld, Why: "a recording does not tell what processes may hold: run this on the host without --recording"}
	if holders != nil {
		out.Capacity = capacityOf(holders[s.policy.Name], s.lastHeld)
	}
	var heavy []entry
	out.PerSource, heavy = s.perSource()
	var crowds []entry
	out.PerPrefixIPv4, out.PerPrefixIPv6, crowds = s.perPrefix(out.PerSource.Proposed, heavy)
	var fast []entry
	out.NewPerSource, fast = s.newPerSource()
	out.SYNPerSource = synPerSource(&out.NewPerSource)
	out.addHeavy(heavy, crowds, fast)
	return out
}

// tooFew says why nothing can be said of held connections, or "".
func (s *service) tooFew(sources int, one, many string) string {
	switch {
	case s.censuses < spanCensuses:
		return fmt.Sprintf("too little was seen: %d whole %s, at least %d are needed", s.censuses, plural(s.censuses, "census", "censuses"), spanCensuses)
	case s.span.settled == 0:
		return "too little was seen: no span of whole censuses was long enough"
	case sources < leastSources:
		return fmt.Sprintf("too little was seen: %d %s, at least %d are needed", sources, plural(sources, one, many), leastSources)
	}
	return ""
}

func (s *service) perSource() (Figure, []entry) {
	ordinary, heavy := split(s.sources.entries, leastPerSource)
	f := figure(ordinary)
	f.Of = len(s.sources.entries)
	if f.Why = s.tooFew(f.Of, "source", "sources"); f.Why == "" {
		f.Proposed = limit(ordinary, leastPerSource, policy.MaxPerSource)
		return f, heavy
	}
	return f, nil
}

// perPrefix leaves prefixes with a heavy source to that source.
func (s *service) perPrefix(perSource int, heavy []entry) (v4, v6 Figure, crowds []entry) {
	taken := make(map[netip.Prefix]struct{}, len(heavy))
	for _, e := range heavy {
		taken[netip.PrefixFrom(e.source.Addr(), prefixBits(e.source.Addr())).Masked()] = struct{}{}
	}
	for _, family := range []struct {
		figure    *Figure
		is4       bool
		one, many string
	}{{&v4, true, "IPv4 network (/24)", "IPv4 networks (/24)"}, {&v6, false, "IPv6 network (/48)", "IPv6 networks (/48)"}} {
		var all []entry
		for _, e := range s.prefixes.entries {
			_, theirs := taken[e.source]
			if e.source.Addr().Is4() == family.is4 && !theirs {
				all = append(all, e)
			}
		}
		ordinary, apart := split(all, 2*max(perSource, leastPerSource))
		*family.figure = figure(ordinary)
		family.figure.Of = len(all)
		if family.figure.Why = s.tooFew(len(all), family.one, family.many); family.figure.Why != "" {
			continue
		}
		if perSource == 0 {
			family.figure.Why = "no per_source is proposed"
			continue
		}
		family.figure.Proposed = limit(ordinary, 2*perSource, policy.MaxPerPrefix)
		for _, e := range apart {
			e.peak = min(e.peak, s.peakHeld)
			crowds = append(crowds, e)
		}
	}
	return v4, v6, crowds
}

func (s *service) newPerSource() (Figure, []entry) {
	ordinary, heavy := split(s.rates.entries, leastNew)
	f := figure(ordinary)
	f.Of = len(s.rates.entries)
	switch {
	case s.rate.spans == 0:
		f.Why = "nobody watched connections end for long enough (the daemon does so on suspicion, or with observe.meters = \"always\")"
	case f.Of < leastSources:
		f.Why = fmt.Sprintf("too little was seen: connections of %d %s ended, at least %d are needed", f.Of, plural(f.Of, "source", "sources"), leastSources)
	default:
		f.Proposed = limit(ordinary, leastNew, policy.MaxSYNPerSource/synsForEach)
		return f, heavy
	}
	return f, nil
}

func synPerSource(from *Figure) Figure {
	if from.Proposed == 0 {
		return Figure{Of: from.Of, Why: "no new_per_source is proposed, from which it would be derived"}
	}
	return Figure{Of: from.Of, Proposed: roundUp(synsForEach * from.Proposed)}
}

// figure tells the highest counts of entries.
func figure(entries []entry) Figure {
	f := Figure{Of: len(entries)}
	sustained, peak := most(entries)
	f.Sustained, f.Peak = sustained.sustained, peak.peak
	if f.Sustained > 0 {
		seen := wall(sustained.sustainedAt)
		f.By, f.Seen = &sustained.source, &seen
	}
	if f.Peak > 0 {
		f.PeakBy = &peak.source
	}
	return f
}

// limit is one under which no entry would ever have been at its limit.
func limit(entries []entry, least, highest int) int {
	for i := range entries {
		least = max(least, entries[i].need())
	}
	return min(roundUp(least), highest)
}

// addHeavy lists what stands apart: sources by connections, whole prefixes, and sources by rate.
func (s *Service) addHeavy(held, crowds, fast []entry) {
	at := func(source netip.Prefix) *Heavy {
		for i := range s.Heavy {
			if s.Heavy[i].Source == source {
				return &s.Heavy[i]
			}
		}
		s.Heavy = append(s.Heavy, Heavy{Source: source})
		return &s.Heavy[len(s.Heavy)-1]
	}
	total := make(map[netip.Prefix]struct{})
	lists := [][]entry{held, crowds, fast}
	for i, list := range lists {
		slices.Reverse(list)
		for _, e := range list[:min(len(list), maxHeavy)] {
			h := at(e.source)
			if i == 2 {
				h.New, h.NewPerSource = e.peak, min(roundUp(e.need()), policy.MaxNewPerSource)
				continue
			}
			h.Sustained, h.Peak, h.Share = e.sustained, e.peak, e.peak*100/max(s.PeakHeld, 1)
			h.PerSource = min(roundUp(e.need()), policy.MaxPerSource)
			if i == 1 {
				h.PerSource = s.PerSource.Proposed
			}
		}
		for _, e := range list {
			total[e.source] = struct{}{}
		}
	}
	slices.SortStableFunc(s.Heavy, func(a, b Heavy) int {
		return cmp.Or(cmp.Compare(b.Peak, a.Peak), cmp.Compare(b.New, a.New), policy.ComparePrefix(a.Source, b.Source))
	})
	s.HeavyTotal = len(total)
	s.Heavy = s.Heavy[:min(len(s.Heavy), maxHeavy)]
}
