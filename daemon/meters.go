package daemon

import (
	"slices"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

const (
	// metersPart names the SYN meters among the faults.
	metersPart = "SYN meters"
	// metersEvery is the least time between two readings of the SYN meters.
	metersEvery = time.Second
	// endingsShown is how long the latest count of endings is worth showing.
	endingsShown = 3 * time.Second
)

// meters keeps what the meters showed, for display.
type meters struct {
	endings map[string]*control.Endings // of the latest count, by service
	counted policy.Instant              // when it ended
	syns    map[string]synRate
	readAt  policy.Instant // no reading before
}

// synRate is a SYN meter and how fast its counters rise.
type synRate struct {
	at    policy.Instant
	from  policy.SYNMeter // the reading at that time
	shown *control.SYNMeter
}

// meter adds to an observation what the kernel's SYN meters show, and which of their sources are
// proven: the kernel and the observer each know half of it. Its cost is bounded by observe.cpu_budget
// like that of a census: turns of the loop are as many as an attacker likes, readings are not.
func (d *Daemon) meter(o *policy.Observation) {
	d.meters.age(o)
	switch {
	case o.Endings.Taken:
		d.sight.Endings = o.Endings
	case d.meters.endings == nil:
		d.sight.Endings = policy.Endings{}
	}
	began := d.Now()
	if began < d.meters.readAt {
		return
	}
	syns, err := d.Rules.Meters()
	d.faults.set(metersPart, err)
	for i := range syns {
		sources := syns[i].Sources
		syns[i].ProvenFull = len(sources) > 0 && d.Watcher.ProvenFull()
		for j := range sources {
			sources[j].Proven = d.Watcher.Proven(sources[j].Source)
		}
	}
	o.SYNs, o.Metered = syns, err == nil
	d.sight.SYNs = syns
	d.meters.read(o, d.decision.Meters)
	now := d.Now()
	d.meters.readAt = now.Add(max(metersEvery, now.Sub(began)*1000/time.Duration(d.Policy.Observe.CPUBudget)))
}

// age takes over what ended, and forgets it when it is old.
func (m *meters) age(o *policy.Observation) {
	if o.Endings.Taken {
		m.endings, m.counted = shownEndings(&o.Endings), o.Endings.From.Add(o.Endings.Span)
	}
	if o.At.Sub(m.counted) > endingsShown {
		m.endings = nil
	}
}

// read takes a reading of the SYN meters over. They are those the last decision asked for.
func (m *meters) read(o *policy.Observation, asked []policy.Meter) {
	old := m.syns
	m.syns = make(map[string]synRate, len(o.SYNs))
	for i := range o.SYNs {
		now, limit := &o.SYNs[i], 0
		for _, a := range asked {
			if a.Service == now.Service {
				limit = a.Max
			}
		}
		m.syns[now.Service] = old[now.Service].next(o.At, now, limit)
	}
}

// next compares a reading with the last. Counters that went back are those of a new table.
func (r synRate) next(at policy.Instant, now *policy.SYNMeter, limit int) synRate {
	out := &control.SYNMeter{Max: limit, Sources: len(now.Sources), ProvenFull: now.ProvenFull, Top: []control.Flooder{}}
	if span := at.Sub(r.at); r.at != 0 && now.SYNs >= r.from.SYNs {
		out.PerS = perSecond(now.SYNs, r.from.SYNs, span)
		out.OverPerS = perSecond(now.Over, r.from.Over, span)
		out.UnmeteredPerS = perSecond(now.Unmetered, r.from.Unmetered, span)
		out.UnlistedPerS = perSecond(now.Unlisted, r.from.Unlisted, span)
	}
	for _, s := range now.Sources {
		out.Top = append(out.Top, control.Flooder(s))
	}
	out.Top = slices.Clone(control.WorstFlooders(out.Top))
	return synRate{at: at, from: *now, shown: out}
}

// shownEndings returns what ended of each service as the status tells it. It is made once a count:
// there may be many sources.
func shownEndings(e *policy.Endings) map[string]*control.Endings {
	shown := make(map[string]*control.Endings, len(e.Services))
	if e.Span <= 0 {
		return shown
	}
	rate := func(n int) control.Rate { return control.Rate(float64(n) / e.Span.Seconds()) }
	for i := range e.Services {
		s := &e.Services[i]
		top := make([]control.Ended, 0, len(s.Sources))
		for _, src := range s.Sources {
			top = append(top, control.Ended{Source: src.Source, PerS: rate(src.Ended)})
		}
		shown[s.Service] = &control.Endings{PerS: rate(s.Ended), Sources: len(s.Sources) + s.Rest.Sources,
			Complete: e.Lost == 0 && e.Paused == 0, Top: slices.Clone(control.MostEnded(top))}
	}
	return shown
}
