package daemon

import (
	"os"
	"slices"
	"strconv"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// countsEvery is how often the kernel's counters are read while there is a table.
const countsEvery = time.Second

// publish shows the state of this turn to clients and to the service manager.
func (d *Daemon) publish() {
	now := d.Now()
	switch present := d.Rules.Have().Present; {
	case !present:
		d.faults.clear(countersPart) // there is nothing to read any more
	case now.Sub(d.tally.readAt) >= countsEvery:
		d.readCounts(now)
	}
	d.rates.add(&d.seen)
	d.Publisher.Publish(d.picture(now))
	have, wanted, clock := d.Rules.Have(), d.wanted, d.Now
	// Rulesets are never changed once made, so they may be written out by whoever asks.
	d.Publisher.PublishRuleset(func() *control.Ruleset {
		at := clock()
		text := have.Ruleset.Format(at)
		if !have.Known && have.Present {
			text = "# the kernel refused a change: what the table holds is not known until it is replaced\n"
		}
		return &control.Ruleset{Text: text, Would: wanted.Format(at)}
	})
	d.tell(d.Manager.Status(d.summary()))
}

// picture is the status as of now.
func (d *Daemon) picture(now policy.Instant) *control.Status {
	wall := d.Wall()
	s := &control.Status{
		At: control.TimeOf(wall), Version: d.Version, PID: os.Getpid(), Started: control.TimeOf(d.started),
		PolicyFile: d.PolicyPath, State: control.StatePeace, Faults: slices.Clone(d.faults.list), Reload: d.reload,
		Kernel: d.kernel(), Table: d.table(),
	}
	if len(d.decision.Attacks) > 0 {
		s.State = control.StateAttack
	}
	if len(s.Faults) > 0 {
		s.State = control.StateDegraded
	}
	if d.latest.Taken {
		age := now.Sub(d.latest.From)
		s.Census = control.Census{Taken: control.TimeOf(wall.Add(-age)), Age: control.Duration(age),
			Sockets: d.latest.Sockets, CPU: control.Duration(d.latest.CPU), Complete: d.latest.Complete}
	}
	for i := range d.Policy.Services {
		s.Services = append(s.Services, d.service(&d.Policy.Services[i], now, wall))
	}
	return s
}

func (d *Daemon) service(svc *policy.Service, now policy.Instant, wall time.Time) control.Service {
	// at turns a time since boot into one of the calendar.
	at := func(t policy.Instant) control.Time { return control.TimeOf(wall.Add(t.Sub(now))) }
	out := control.Service{Name: svc.Name, Mode: svc.Mode, Ports: control.PortsText(svc.Ports), Addresses: svc.Addresses,
		Traffic: svc.Traffic, Capacity: svc.Capacity, PerSource: svc.Connections.PerSource,
		Endings: d.meters.endings[svc.Name], SYNs: d.meters.syns[svc.Name].shown,
		RefusedPackets: d.tally.packets(svc.Name), ClosedConnections: d.tally.closed[svc.Name]}
	for _, c := range d.latest.Services {
		if c.Service == svc.Name {
			out.Held, out.HalfOpen, out.Sources = c.Held, c.HalfOpen, len(c.Sources)+c.Rest.Sources
		}
	}
	for _, l := range d.seen.Listeners {
		if l.Service == svc.Name {
			out.Listeners = append(out.Listeners, control.Listener{Local: l.Local, Queue: l.Queue, Backlog: l.Backlog})
		}
	}
	for _, a := range d.decision.Attacks {
		if a.Service != svc.Name {
			continue
		}
		out.Attack = &control.Attack{ID: strconv.FormatUint(a.ID, 10), Kind: string(a.Kind), Since: at(a.Began),
			PeakHeld: a.PeakHeld, PeakSources: a.PeakSources}
		if first, ok := d.rules[a.ID]; ok {
			out.Attack.FirstRule = at(first)
		}
	}
	for _, l := range d.decision.Limits {
		if l.Service == svc.Name {
			out.Limits = append(out.Limits, control.Limit{Source: l.Source, Held: l.Held, Max: l.Max, Refusing: l.Refuse,
				Mode: l.Mode, Since: at(l.Since), LeaseLeft: control.Duration(l.Until.Sub(now)), Rule: l.Reason.Rule,
				Measured: l.Reason.Measured, Threshold: l.Reason.Threshold})
		}
	}
	out.LimitsTotal = len(out.Limits)
	out.Limits = control.HeaviestLimits(out.Limits)
	return out
}

func (d *Daemon) kernel() control.Kernel {
	c, k := d.seen.Counters, d.rates.last
	k.CurrEstab, k.SynCookies, k.ListenOverflows = c.CurrEstab, c.SynCookies, c.ListenOverflows
	k.ConntrackCount, k.ConntrackMax = c.ConntrackCount, c.ConntrackMax
	k.CookiesMissing = d.decision.Watch.CookiesOff
	return k
}

func (d *Daemon) table() control.Table {
	have := d.Rules.Have()
	t := control.Table{Present: have.Present, Owned: have.Present && d.Rules.Owned(), Conntrack: control.ConntrackOff,
		Features: []string{}, Fallbacks: []string{}}
	switch {
	case have.Present && d.Rules.Environment().OthersTrack:
		t.Conntrack = control.ConntrackOthers
	case have.Ruleset.Tracks():
		t.Conntrack = control.ConntrackOurs
	}
	if d.Rules.Owned() {
		t.Features = append(t.Features, "table owned by our socket")
	} else {
		t.Fallbacks = append(t.Fallbacks, "no table ownership (Linux 5.12): a table lost to others is built again")
	}
	return t
}

var _ Rules = (*enforcer.Table)(nil)
