package enforcer

import (
	"cmp"
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// Priorities of our base chains, in the terms of nft(8). Refusing comes before everything that
// costs something: conntrack is at -200, its notrack rules by convention at -300 (raw). Counting comes
// right after conntrack and before anybody's destination NAT at -100, so that connections the host
// passes on are seen as their clients address them, and are counted like its own.
const (
	priorityRefuse = -310
	priorityTrack  = -305
	priorityHold   = -150
)

// Environment is what Compile must know of the kernel beside the decision.
type Environment struct {
	// OthersTrack: another table uses conntrack. Then it is on anyway, and notrack would break
	// whatever that table does with it.
	OthersTrack bool
	// Known is false where others' rules could not be read: OthersTrack is then a guess.
	Known bool
	// Assumed: OthersTrack rests on nothing but that legacy iptables may not be looked at.
	Assumed bool
	// NoConnlimit: the kernel cannot count connections in a set (CONFIG_NFT_CONNLIMIT). Sources are then
	// held by the refuse sets alone.
	NoConnlimit bool
}

// Compile returns the ruleset that makes a decision hold. It is pure. A decision without limits,
// watched sources, blocks, meters and proxies gives the empty ruleset (P1).
func Compile(p *policy.Policy, d *policy.Decision, env Environment) Ruleset {
	return compile(p, d, env, nil)
}

// compile is Compile with what an earlier compilation found out, or nil.
func compile(p *policy.Policy, d *policy.Decision, env Environment, memory *Compiler) Ruleset {
	c := compiler{policy: p, decision: d, env: env, memory: memory, everywhere: everywhere(p, d), administrators: administrators(d)}
	parts := c.collect()
	if len(parts) == 0 {
		return Ruleset{}
	}
	c.ranges("exempt", c.everywhere)
	c.ssh()
	pre := Chain{Name: "pre", Hook: Prerouting, Priority: priorityRefuse, Rules: c.spare()}
	hold := Chain{Name: "hold", Hook: Prerouting, Priority: priorityHold, Rules: c.spare()}
	var held []*part
	for _, pt := range parts {
		c.ports(pt)
		c.ranges(pt.name("exempt"), pt.exempt)
		c.own(pt)
		pre.Rules = append(pre.Rules, c.before(pt)...)
		if c.holds(pt) {
			c.hold(pt)
			held = append(held, pt)
			hold.Rules = append(hold.Rules, c.dispatch(pt, "hold", ctNew())...)
		}
	}
	c.out.Chains = append(c.out.Chains, pre)
	if len(held) > 0 {
		c.out.Chains = append(c.out.Chains, hold)
		if !env.OthersTrack {
			c.untrack(held)
		}
	}
	c.cut(parts)
	c.proxy(parts)
	c.out.sort()
	return c.out
}

// before adds what a service needs before conntrack, and returns the rules that lead there. What is
// blocked is neither refused once more nor metered, and what is refused is not metered: a source that is
// limited and goes on trying is no SYN flood.
func (c *compiler) before(pt *part) []Rule {
	var rules []Rule
	if len(pt.blocks) > 0 {
		c.block(pt)
		rules = append(rules, c.dispatchAll(pt, "block")...)
	}
	if pt.until != 0 {
		c.refuse(pt)
		rules = append(rules, c.dispatch(pt, "refuse", opening())...)
	}
	if pt.meter.Until != 0 {
		c.meter(pt)
		rules = append(rules, c.dispatch(pt, "meter", opening())...)
	}
	return rules
}

// part is what a decision asks for one service: its stretch of the decision's sorted lists.
type part struct {
	svc     *policy.Service
	limits  []policy.Limit
	watched []policy.Watched
	blocks  []policy.Block
	drops   []policy.SYNDrop
	proxy   *policy.Proxy  // nil: there is none
	until   policy.Instant // end of the last lease of limits and watched sources; 0: there are none
	counted policy.Instant // likewise of those whose connections the kernel counts
	meter   policy.Meter   // the zero Meter: none

	everywhere *coverage // what is exempt from all services
	exempt     coverage  // from this service alone, by the operator's word
	owned      coverage  // by overrides, where an answer might be wider
	finer      coverage  // of these, what is longer than a plain source
}

// spares reports whether a source is exempt from the service.
func (pt *part) spares(source netip.Prefix) bool {
	return pt.everywhere.covers(source) || pt.exempt.covers(source)
}

// name returns the name of one of the service's objects. No suffix contains an underscore, so
// names of different services never collide; neither do those of the table's own objects, which
// contain none at all.
func (pt *part) name(suffix string) string { return pt.svc.Name + "_" + suffix }

// holds reports whether the kernel counts connections for the service. In shadow mode it does
// not: that would switch conntrack on for a mode that promises to change nothing.
// Nor where the service's connections are only passed on and nobody else uses conntrack: there is
// nothing to be counted then, neither here nor in a census.
func (c *compiler) holds(pt *part) bool {
	return pt.counted != 0 && !c.env.NoConnlimit && pt.svc.Connections.PerSource > 0 && pt.svc.Mode == policy.Enforce &&
		(pt.svc.Traffic.Locally() || c.env.OthersTrack)
}

// collect cuts the decision up by service, in the order of their names. What refers to a service
// the policy no longer has is left out.
func (c *compiler) collect() []*part {
	d := c.decision
	limits := stretches(d.Limits, func(l *policy.Limit) string { return l.Service })
	watched := stretches(d.Watched, func(w *policy.Watched) string { return w.Service })
	blocks := stretches(d.Blocks, func(b *policy.Block) string { return b.Service })
	drops := stretches(d.Drops, func(s *policy.SYNDrop) string { return s.Service })
	var parts []*part
	for i := range c.policy.Services {
		svc := &c.policy.Services[i]
		pt := &part{svc: svc, limits: limits[svc.Name], watched: watched[svc.Name], blocks: blocks[svc.Name], drops: drops[svc.Name]}
		pt.ends()
		for _, m := range d.Meters {
			if m.Service == svc.Name {
				pt.meter = m
			}
		}
		pt.proxy = c.proxies(svc)
		if pt.until == 0 && pt.meter.Until == 0 && len(pt.blocks) == 0 && pt.proxy == nil {
			continue
		}
		pt.everywhere, pt.exempt = &c.everywhere, cover(exemptions(d, svc.Name))
		parts = append(parts, pt)
	}
	slices.SortFunc(parts, func(a, b *part) int { return cmp.Compare(a.svc.Name, b.svc.Name) })
	return parts
}

// ends finds the ends of the part's leases.
func (pt *part) ends() {
	for i := range pt.limits {
		l := &pt.limits[i]
		pt.until = max(pt.until, l.Until)
		if l.Exact {
			pt.counted = max(pt.counted, l.Until)
		}
	}
	for i := range pt.watched {
		pt.until = max(pt.until, pt.watched[i].Until)
		pt.counted = max(pt.counted, pt.watched[i].Until)
	}
}

// stretches cuts a list that is sorted by service into one slice for each, without copying.
func stretches[T any](list []T, service func(*T) string) map[string][]T {
	out := make(map[string][]T)
	for start := 0; start < len(list); {
		name := service(&list[start])
		end := start + 1
		for end < len(list) && service(&list[end]) == name {
			end++
		}
		out[name] = list[start:end:end]
		start = end
	}
	return out
}

// compiler collects the objects of one ruleset.
type compiler struct {
	policy         *policy.Policy
	decision       *policy.Decision
	env            Environment
	memory         *Compiler // nil: none
	everywhere     coverage  // what is exempt from all services
	administrators coverage  // what is exempt on sshd's ports
	out            Ruleset
}
