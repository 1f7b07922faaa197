package policy

import (
	"net/netip"
	"slices"
	"time"
)

// endings counts what ended: of some sources far too many.
func (w *world) endings() Endings {
	e := Endings{Taken: true, Span: pick(w.dice, []time.Duration{time.Second, time.Second, 3 * time.Second, 100 * time.Millisecond}), Lost: uint64(w.maybe(0, 1))}
	e.From = w.at.Add(-e.Span)
	for i := range w.policy.Services {
		svc := ServiceEndings{Service: w.policy.Services[i].Name}
		by := map[netip.Prefix]int{}
		for range w.n(5) {
			by[Group(pick(w.dice, neighbourhood), w.policy.Observe.IPv6Source)] = pick(w.dice, []int{1, 2, 3, 12, 60})
		}
		for source, n := range by {
			svc.Sources = append(svc.Sources, SourceEndings{Source: source, Ended: n})
			svc.Ended += n
			w.counters.PassiveOpens += uint64(n)
		}
		slices.SortFunc(svc.Sources, func(a, b SourceEndings) int { return ComparePrefix(a.Source, b.Source) })
		svc.Sources = svc.Sources[:min(len(svc.Sources), w.policy.Observe.MaxSources)]
		e.Services = append(e.Services, svc)
	}
	return e
}

// syns lets SYNs come in, few or many, of few sources or many.
func (w *world) syns() []SYNMeter {
	var list []SYNMeter
	for i := range w.policy.Services {
		name := w.policy.Services[i].Name
		if w.meters[name] == nil || w.in(20) {
			w.meters[name] = &SYNMeter{Service: name}
		}
		m := w.meters[name]
		n := uint64(pick(w.dice, []int{0, 10, 500, 5000, 100000}))
		m.SYNs += n
		w.counters.CookiesSent += n / 2
		part := n / uint64(1+w.n(4))
		m.Over += part
		m.Unmetered += (n - part) / 2
		m.Unlisted += part / uint64(2+w.n(100))
		m.ProvenFull = w.in(20)
		m.Sources = nil
		by := map[netip.Prefix]SYNSource{}
		for range w.n(4) {
			source := Group(pick(w.dice, neighbourhood), w.policy.Observe.IPv6Source)
			by[source] = SYNSource{Source: source, Over: uint64(1 + w.n(5000)), Proven: w.in(3) || m.ProvenFull}
		}
		for _, s := range by {
			m.Sources = append(m.Sources, s)
		}
		reading := *m
		list = append(list, reading)
	}
	return list
}

// people log in and out, some of them administrators, and the operator gives orders.
func (w *world) people(o *Observation) {
	if w.in(6) {
		w.sessions = nil
		for range w.n(3) {
			w.sessions = append(w.sessions, Session{From: pick(w.dice, neighbourhood), Root: w.in(3), Groups: pick(w.dice, [][]string{nil, {"sudo"}, {"users"}})})
		}
	}
	o.Sessions = slices.Clone(w.sessions)
	for w.in(8) {
		order := Order{Kind: OrderUnexempt, Exemption: Exemption{Prefix: w.around()}}
		if w.in(2) {
			order.Exemption.Service = pick(w.dice, []string{"web", "mail", "ssh"})
		}
		if w.in(2) {
			order.Kind, order.Exemption.Since, order.Exemption.Reason = OrderExempt, w.at, "because"
			order.Exemption.Until = pick(w.dice, []Instant{0, w.at.Add(time.Second), w.at.Add(time.Hour)})
		}
		o.Orders = append(o.Orders, order)
	}
	w.hands(o)
}

// count lets the counters and queues move.
func (w *world) count(o *Observation) {
	c := &w.counters
	c.CurrEstab = uint64(w.n(200))
	for _, n := range []*uint64{&c.PassiveOpens, &c.AttemptFails, &c.CookiesSent, &c.CookiesValid, &c.ListenOverflows, &c.QueueFullDrops} {
		*n += uint64(pick(w.dice, []int{0, 0, 0, 3, 200}))
	}
	if !w.in(20) {
		o.Counters = *c
	}
	for i := range w.policy.Services {
		svc := &w.policy.Services[i]
		at := netip.IPv6Unspecified()
		if w.in(8) {
			at = netip.MustParseAddr("192.0.2.1")
		}
		o.Listeners = append(o.Listeners, Listener{Service: svc.Name, Local: netip.AddrPortFrom(at, svc.Ports[0].First),
			Queue: uint32(pick(w.dice, []int{0, 0, 1, 128, 129})), Backlog: 128, Unit: svc.Name + ".service", SSH: svc.Name == "ssh"})
		if w.in(4) {
			o.Closed = append(o.Closed, Cut{Service: svc.Name, Source: Group(pick(w.dice, neighbourhood), w.policy.Observe.IPv6Source), Count: 1 + w.n(20)})
		}
	}
}
