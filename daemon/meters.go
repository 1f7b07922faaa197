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
	// endingsShown is how long the latest count of endings is worth showing.
	endingsShown = 3 * time.Second
)

// meters keeps what the meters showed, for display.
type meters struct {
	endings map[string]*control.Endings // of the latest count, by service
	counted policy.Instant              // when it ended
	syns    map[string]synRate
	limits  map[string]int // SYNs a second, of the meters that are wanted
}

// synRate is a SYN meter and how fast its counters rose.
type synRate struct {
	base                 policy.Instant
	from, latest         policy.SYNMeter
	all, over, unmetered control.Rate
}

// meter adds to an observation what the kernel's SYN meters show, and which of their sources are
// proven. The kernel and the observer each know half of it.
func (d *Daemon) meter(o *policy.Observation) {
	var err error
	o.SYNs, err = d.Rules.Meters()
	d.faults.set(metersPart, err)
	for i := range o.SYNs {
		sources := o.SYNs[i].Sources
		for j := range sources {
			sources[j].Proven = d.Watcher.Proven(sources[j].Source)
		}
	}
	d.meters.add(o)
}

// add takes a turn's readings over.
func (m *meters) add(o *policy.Observation) {
	if o.Endings.Taken {
		m.endings, m.counted = shownEndings(&o.Endings), o.Endings.From.Add(o.Endings.Span)
	}
	if o.At.Sub(m.counted) > endingsShown {
		m.endings = nil
	}
	old := m.syns
	m.syns = make(map[string]synRate, len(o.SYNs))
	for _, now := range o.SYNs {
		m.syns[now.Service] = old[now.Service].add(o.At, now)
	}
}

// add takes one reading over. Counters that went back are those of a new table.
func (r synRate) add(at policy.Instant, now policy.SYNMeter) synRate {
	r.latest = now
	span := at.Sub(r.base)
	switch {
	case r.base == 0 || now.SYNs < r.from.SYNs:
		return synRate{base: at, from: now, latest: now}
	case span < ratesOver:
		return r
	}
	r.all = perSecond(now.SYNs, r.from.SYNs, span)
	r.over = perSecond(now.Over, r.from.Over, span)
	r.unmetered = perSecond(now.Unmetered, r.from.Unmetered, span)
	r.base, r.from = at, now
	return r
}

// wanted remembers the rates that the meters of a decision stand for.
func (m *meters) wanted(list []policy.Meter) {
	m.limits = make(map[string]int, len(list))
	for _, w := range list {
		m.limits[w.Service] = w.Max
	}
}

// shown returns a service's SYN meter as the status tells it, or nil.
func (m *meters) shown(service string) *control.SYNMeter {
	r, ok := m.syns[service]
	if !ok {
		return nil
	}
	out := &control.SYNMeter{Max: m.limits[service], PerS: r.all, OverPerS: r.over, UnmeteredPerS: r.unmetered,
		Sources: len(r.latest.Sources), Full: r.latest.Full, Top: []control.Flooder{}}
	for _, s := range r.latest.Sources {
		out.Top = append(out.Top, control.Flooder(s))
	}
	out.Top = control.WorstFlooders(out.Top)
	return out
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
