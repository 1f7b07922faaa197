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

// Compile returns the ruleset that makes a decision hold. It is pure. A decision without limits and
// meters gives the empty ruleset (P1).
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
		c.ports(pt)
		if pt.meter.Until != 0 {
			c.meter(pt)
			pre.Rules = append(pre.Rules, c.dispatch(pt, pt.name("meter"), opening())...)
		}
		if pt.until == 0 {
			continue
		}
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

// part is what a decision asks for one service: its stretch of the decision's sorted lists.
type part struct {
	svc     *policy.Service
	limits  []policy.Limit
	watched []policy.Watched
	until   policy.Instant // end of the last of their leases; 0: there are none
	meter   policy.Meter   // the zero Meter: none
}

// name returns the name of one of the service's objects. No suffix contains an underscore, so
// names of different services never collide.
func (pt *part) name(suffix string) string { return pt.svc.Name + "_" + suffix }

// holds reports whether the kernel counts connections for the service. In shadow mode it does
// not: that would switch conntrack on for a mode that promises to change nothing.
// Nor where it only passes connections on, which never come to its input.
func (pt *part) holds() bool { return pt.svc.Mode == policy.Enforce && pt.svc.Traffic.Locally() }

// collect cuts a decision up by service, in the order of their names. What refers to a service
// the policy no longer has is left out.
func collect(p *policy.Policy, d *policy.Decision) []*part {
	limits := stretches(d.Limits, func(l *policy.Limit) string { return l.Service })
	watched := stretches(d.Watched, func(w *policy.Watched) string { return w.Service })
	var parts []*part
	for i := range p.Services {
		pt := &part{svc: &p.Services[i], limits: limits[p.Services[i].Name], watched: watched[p.Services[i].Name]}
		for j := range pt.limits {
			pt.until = max(pt.until, pt.limits[j].Until)
		}
		for j := range pt.watched {
			pt.until = max(pt.until, pt.watched[j].Until)
		}
		for _, m := range d.Meters {
			if m.Service == pt.svc.Name {
				pt.meter = m
			}
		}
		if pt.until != 0 || pt.meter.Until != 0 {
			parts = append(parts, pt)
		}
	}
	slices.SortFunc(parts, func(a, b *part) int { return cmp.Compare(a.svc.Name, b.svc.Name) })
	return parts
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
	policy *policy.Policy
	env    Environment
	out    Ruleset
}
