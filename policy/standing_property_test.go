package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestStandingsAgreeWithExplain asks Explain for every source of random worlds.
func TestStandingsAgreeWithExplain(t *testing.T) {
	const worlds = 24 / fewerWorlds
	seen := map[string]int{}
	for seed := range worlds {
		w := newWorld(&dice{rest: rand.New(rand.NewPCG(uint64(seed), 7))})
		var s State
		var d Decision
		var sight Sight
		for turn := range turnsPerWorld {
			before := w.policy
			o := w.turn()
			if w.policy != before {
				sight = Sight{} // it may have been counted by other sources
			}
			s, d = Step(w.policy, s, o)
			if o.Census.Taken {
				sight.Census = o.Census
			}
			sight.Endings, sight.SYNs = o.Endings, o.SYNs
			for _, problem := range standingProblems(w.policy, &s, &d, &sight, seen) {
				t.Errorf("seed %d, turn %d: %s", seed, turn, problem)
			}
			if t.Failed() {
				return
			}
		}
	}
	for _, what := range []string{"held", "limited", "refused", "blocked", "watched", "exempt", "dropped", "rate", "syns", "strikes", "part", "unknown", "block around"} {
		if seen[what] == 0 && (what != "watched" && what != "dropped" || worlds > 3) {
			t.Errorf("no world had a source that is: %s", what)
		}
	}
}

// standingProblems says where standings and explanations differ, and counts what they tell of.
func standingProblems(p *Policy, s *State, d *Decision, seen *Sight, met map[string]int) []string {
	var problems []string
	rows := map[string]map[netip.Prefix]bool{}
	for _, sv := range Standings(p, s, d, seen) {
		rows[sv.Service] = map[netip.Prefix]bool{}
		if !slices.IsSortedFunc(sv.Sources, func(a, b Standing) int { return ComparePrefix(a.Source, b.Source) }) {
			problems = append(problems, sv.Service+": the sources are not sorted")
		}
		for i := range sv.Sources {
			st := &sv.Sources[i]
			if rows[sv.Service][st.Source] {
				problems = append(problems, fmt.Sprintf("%s: %v twice", sv.Service, st.Source))
			}
			rows[sv.Service][st.Source] = true
			meet(st, met)
			e, found := explainWithin(p, s, d, seen, sv.Service, st.Source)
			if !found {
				continue // every address in it has prefixes of its own
			}
			for _, problem := range differences(st, &e, d.SSH) {
				problems = append(problems, fmt.Sprintf("%s: %v: %s\n%+v\n%+v", sv.Service, st.Source, problem, *st, e))
			}
		}
	}
	for _, addr := range neighbourhood {
		for _, e := range Explain(p, s, d, seen, addr).Services {
			has := rows[e.Service]
			// A meter lists the source that an address with limits of its own lies in.
			metered := e.SYNsOver == 0 || has[e.Source] || has[Group(addr, p.Observe.IPv6Source)]
			if (e.Held > 0 || e.Rate > 0) && !has[e.Source] || !metered {
				problems = append(problems, fmt.Sprintf("%s: %v is missing: %+v", e.Service, e.Source, e))
			}
		}
	}
	for _, b := range d.Blocks {
		if !rows[b.Service][b.Source] {
			problems = append(problems, fmt.Sprintf("%s: block of %v is missing", b.Service, b.Source))
		}
	}
	return problems
}

// meet counts what a standing tells.
func meet(s *Standing, met map[string]int) {
	for what, is := range map[string]bool{"held": s.Held > 0, "limited": s.Limit != nil, "refused": s.Limit != nil && s.Limit.Refuse, "blocked": s.Block != nil,
		"watched": s.Watched, "exempt": s.Exempt, "dropped": s.Dropped, "rate": s.Rate > 0, "syns": s.SYNsOver > 0, "strikes": s.Strikes > 0, "part": s.Part,
		"unknown": !s.Known, "block around": s.Block != nil && s.Block.Source != s.Source} {
		if is {
			met[what]++
		}
	}
}

// explainWithin explains an address for which nothing narrower than the source holds.
func explainWithin(p *Policy, s *State, d *Decision, seen *Sight, service string, source netip.Prefix) (ServiceExplanation, bool) {
	for _, addr := range []netip.Addr{source.Addr(), lastOf(source), firstHalf(source)} {
		for _, e := range Explain(p, s, d, seen, addr).Services {
			if e.Service != service || source.Bits() > e.Source.Bits() && !source.IsSingleIP() {
				continue
			}
			narrower := func(p netip.Prefix) bool { return p.Bits() > source.Bits() && p.Contains(addr) }
			if e.Source.Bits() > source.Bits() && !source.Contains(e.Source.Addr()) || slices.ContainsFunc(narrow(p, s, d, seen, service), narrower) {
				continue
			}
			return e, true
		}
	}
	return ServiceExplanation{}, false
}

// narrow lists all prefixes that could make one address differ from its neighbours.
func narrow(p *Policy, s *State, d *Decision, seen *Sight, service string) []netip.Prefix {
	list := ExemptOf(p, p.Service(service), d)
	list = slices.Clone(list)
	for _, o := range p.Service(service).Overrides {
		list = append(list, o.Prefix)
	}
	for _, l := range d.Limits {
		list = append(list, l.Source)
	}
	for _, b := range s.Blocks {
		list = append(list, b.Source)
	}
	for _, l := range d.Watched {
		list = append(list, l.Source)
	}
	for _, l := range d.Drops {
		list = append(list, l.Source)
	}
	for _, c := range seen.Census.Services {
		for _, src := range c.Sources {
			list = append(list, src.Source)
		}
	}
	for _, m := range seen.SYNs {
		for _, src := range m.Sources {
			list = append(list, src.Source)
		}
	}
	return list
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func firstHalf(p netip.Prefix) netip.Addr {
	if p.Bits()+2 >= p.Addr().BitLen() {
		return p.Addr()
	}
	return lastOf(netip.PrefixFrom(p.Addr(), p.Bits()+2))
}

// differences says in what a standing and an explanation of an address in it differ.
func differences(s *Standing, e *ServiceExplanation, ssh SSH) []string {
	var list []string
	check := func(what string, same bool) {
		if !same {
			list = append(list, what)
		}
	}
	refuse := slices.ContainsFunc(e.Limits, func(l Limit) bool { return l.Refuse })
	check("limits", (s.Limit != nil) == (len(e.Limits) > 0) && (s.Limit == nil || slices.Contains(e.Limits, *s.Limit) && s.Limit.Refuse == refuse))
	check("blocks", (s.Block != nil) == (len(e.Blocks) > 0) && (s.Block == nil || slices.Contains(e.Blocks, *s.Block)))
	for _, b := range e.Blocks {
		check("a block that lasts longer", b.Until <= s.Block.Until)
	}
	check("watched", s.Watched == e.Watched)
	check("dropped", s.Dropped == e.Dropped)
	check("strikes", s.Strikes == e.Strikes)
	check("exempt", s.Exempt == strings.HasPrefix(e.Next[0], "exempt"))
	if s.Source != e.Source {
		check("part", s.Part)
		return list
	}
	check("part", !s.Part)
	check("held", s.Known == e.Known && s.Held == e.Held)
	check("rate", s.RateKnown == e.RateKnown && s.Rate == e.Rate)
	check("SYNs", s.SYNsOver == e.SYNsOver)
	own := slices.IndexFunc(e.Limits, func(l Limit) bool { return l.Source == s.Source && l.Max > 0 })
	if own >= 0 {
		check("its own limit", s.Max == e.Limits[own].Max)
	} else {
		check("limit of the policy", s.Max == e.Max && s.Rule == e.Rule)
	}
	return list
}
