package enforcer

import (
	"cmp"
	"slices"

	"ebbgate/policy"
)

// Priorities of our base chains, in the terms of nft(8). Refusing comes before everything that
// costs something: conntrack is at -200, its notrack rules by convention at -300 (raw).
const (
	priorityRefuse = -310
	priorityTrack  = -305
	priorityHold   = -10
)

// Environment is what Compile must know of the kernel beside the decision.
type Environment struct {
	// OthersTrack: another table uses conntrack. Then it is on anyway, and notrack would break
	// whatever that table does with it.
	OthersTrack bool
}

// Compile returns the ruleset that makes a decision hold. It is pure. A decision without limits
// gives the empty ruleset (P1).
func Compile(p *policy.Policy, d *policy.Decision, env Environment) Ruleset {
	parts := collect(p, d)
	if len(parts) == 0 {
		return Ruleset{}
	}
	c := compiler{policy: p, env: env}
	c.exempt()
	pre := Chain{Name: "pre", Hook: Prerouting, Priority: priorityRefuse, Rules: c.spare(false)}
	hold := Chain{Name: "hold", Hook: Input, Priority: priorityHold, Rules: c.spare(false)}
	var held []*part
	for _, pt := range parts {
		c.service(pt)
		pre.Rules = append(pre.Rules, c.dispatch(pt, pt.name("refuse"), opening())...)
		if pt.holds() {
			held = append(held, pt)
			hold.Rules = append(hold.Rules, c.dispatch(pt, pt.name("hold"), ctNew())...)
		}
	}
	c.out.Chains = append(c.out.Chains, pre)
	if len(held) > 0 {
		c.out.Chains = append(c.out.Chains, hold)
		if !env.OthersTrack {
			c.untrack(held)
		}
	}
	c.out.sort()
	return c.out
}

// part is what a decision asks for one service.
type part struct {
	svc     *policy.Service
	refused []policy.Limit
	watched []policy.Watched // everything held by connlimit, limited sources included
	until   policy.Instant   // end of the last lease
}

// name returns the name of one of the service's objects. No suffix contains an underscore, so
// names of different services never collide.
func (pt *part) name(suffix string) string { return pt.svc.Name + "_" + suffix }

// holds reports whether the kernel counts connections for the service. In shadow mode it does
// not: that would switch conntrack on for a mode that promises to change nothing.
func (pt *part) holds() bool { return pt.svc.Mode == policy.Enforce }

// collect sorts a decision by service. What refers to a service the policy no longer has is left
// out, and so is what is exempt: Step never asks for it, and P4 is checked twice.
func collect(p *policy.Policy, d *policy.Decision) []*part {
	var parts []*part
	of := func(name string) *part {
		if n := len(parts); n > 0 && parts[n-1].svc.Name == name {
			return parts[n-1]
		}
		for _, pt := range parts {
			if pt.svc.Name == name {
				return pt
			}
		}
		svc := p.Service(name)
		if svc == nil {
			return nil
		}
		parts = append(parts, &part{svc: svc})
		return parts[len(parts)-1]
	}
	for _, l := range d.Limits {
		pt := of(l.Service)
		if pt == nil || policy.Covers(p.Exempt.Prefixes, l.Source) {
			continue
		}
		pt.until = max(pt.until, l.Until)
		pt.watched = append(pt.watched, policy.Watched{Service: l.Service, Source: l.Source, Mode: l.Mode, Until: l.Until})
		if l.Refuse {
			pt.refused = append(pt.refused, l)
		}
	}
	for _, w := range d.Watched {
		pt := of(w.Service)
		if pt == nil || policy.Covers(p.Exempt.Prefixes, w.Source) {
			continue
		}
		pt.until = max(pt.until, w.Until)
		pt.watched = append(pt.watched, w)
	}
	slices.SortFunc(parts, func(a, b *part) int { return cmp.Compare(a.svc.Name, b.svc.Name) })
	return parts
}

// compiler collects the objects of one ruleset.
type compiler struct {
	policy *policy.Policy
	env    Environment
	out    Ruleset
}
