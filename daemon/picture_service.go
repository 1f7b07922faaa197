package daemon

import (
	"cmp"
	"slices"

	"ebbgate/control"
	"ebbgate/policy"
)

// service is one service's part of the picture.
func (p *picture) service(svc *policy.Service) control.Service {
	sum := p.sums[svc.Name]
	out := control.Service{Name: svc.Name, Mode: svc.Mode, Ports: control.PortsText(svc.Ports), Addresses: svc.Addresses,
		Traffic: svc.Traffic, Capacity: svc.Capacity, PerSource: svc.Connections.PerSource,
		NewPerSource: svc.Rate.NewPerSource, SYNPerSource: svc.Rate.SYNPerSource,
		Endings: p.endings[svc.Name], SYNs: p.syns[svc.Name].shown,
		RefusedPackets: sum.refused, BlockedPackets: sum.blocked, DroppedPackets: sum.dropped, ProxiedPackets: sum.proxied,
		ClosedConnections: sum.closed, BlocksBegun: sum.blocks, Begun: sum.begun, CountedSince: sum.since}
	for i := range p.sight.Census.Services {
		if c := &p.sight.Census.Services[i]; c.Service == svc.Name {
			out.Held, out.HalfOpen, out.Unread, out.Sources = c.Held, c.HalfOpen, c.Unread, len(c.Sources)+c.Rest.Sources
		}
	}
	for _, l := range p.seen.Listeners {
		if l.Service == svc.Name {
			out.Listeners = append(out.Listeners, control.Listener{Local: l.Local, Queue: l.Queue, Backlog: l.Backlog, Unit: l.Unit})
		}
	}
	p.answers(svc, &out)
	return out
}

// answers adds what is done, and why.
func (p *picture) answers(svc *policy.Service, out *control.Service) {
	for i := range p.decision.Attacks {
		if a := &p.decision.Attacks[i]; a.Service == svc.Name {
			out.Attacks = append(out.Attacks, shownAttack(a, &p.history, p.calendar))
		}
	}
	limits := policy.PartOf(p.decision.Limits, svc.Name, func(l *policy.Limit) string { return l.Service })
	out.LimitsTotal = len(limits)
	for _, l := range foremost(limits, control.MaxLimits, func(a, b *policy.Limit) int {
		return cmp.Or(cmp.Compare(b.Held, a.Held), policy.ComparePrefix(a.Source, b.Source))
	}) {
		out.Limits = append(out.Limits, control.LimitOf(l, p.calendar))
	}
	blocks := policy.PartOf(p.decision.Blocks, svc.Name, func(b *policy.Block) string { return b.Service })
	out.BlocksTotal = len(blocks)
	for _, b := range foremost(blocks, control.MaxBlocks, func(a, b *policy.Block) int {
		return cmp.Or(cmp.Compare(b.Since, a.Since), policy.ComparePrefix(a.Source, b.Source))
	}) {
		out.Blocks = append(out.Blocks, control.BlockOf(b, p.calendar))
	}
	out.DroppedSources = len(policy.PartOf(p.decision.Drops, svc.Name, func(x *policy.SYNDrop) string { return x.Service }))
	for i := range p.decision.Offenders {
		if o := &p.decision.Offenders[i]; o.Service == svc.Name {
			out.Offender = control.OffenderOf(o, p.calendar)
		}
	}
	out.Share = control.ShareOf(svc, limits, p.calendar)
	for i := range p.decision.Reliefs {
		if r := &p.decision.Reliefs[i]; r.Service == svc.Name {
			out.Relief = control.ReliefOf(r)
		}
	}
	for i := range p.decision.Proxies {
		if x := &p.decision.Proxies[i]; x.Service == svc.Name {
			out.Proxy = control.ProxyOf(x, p.calendar)
		}
	}
}

// foremost returns the first n of a list in the given order, without sorting all of it: there may be
// 100,000, and a picture is taken every turn.
func foremost[T any](list []T, n int, order func(a, b *T) int) []*T {
	best := make([]*T, 0, min(len(list), 2*n))
	cut := func() {
		slices.SortFunc(best, order)
		best = best[:min(len(best), n)]
	}
	sorted := false // the first n are those of all so far
	for i := range list {
		if sorted && order(&list[i], best[n-1]) >= 0 {
			continue
		}
		if best = append(best, &list[i]); len(best) == 2*n {
			cut()
			sorted = true
		}
	}
	cut()
	return best
}
