package daemon

import (
	"math"
	"time"

	"ebbgate/control"
	"ebbgate/history"
	"ebbgate/policy"
)

// Keeper keeps what must outlast the daemon. Its methods must not block. What it is given is not changed
// afterwards.
type Keeper interface {
	Save(k policy.Kept, open []history.Record) // in place of what was given before; nil: the same attacks
	Ended([]history.Record)
	Err() error // what keeps it from keeping all
}

var _ Keeper = (*history.Store)(nil)

const (
	// sampleEvery is how often it is measured how an open attack goes.
	sampleEvery = history.FirstStep
	// openEvery is how often what is known of open attacks is kept: that much of one is lost by a crash.
	openEvery = 10 * time.Second
)

// keeping is how the attacks that are open went, and when that was kept.
type keeping struct {
	policy  policy.History             // as it was at start: the file is not moved
	series  map[uint64]*history.Series // of those that are open
	sampled policy.Instant
	kept    policy.Instant
	refused map[string]uint64 // by service, when it was sampled
	hash    string            // of the policy file
	again   []policy.HandMode // that hold again since the start
	over    []policy.HandMode // that an earlier run kept and that do not
}

// restore begins with what an earlier run left, before the first decision. What of it the policy or an
// exemption does not allow that decision frees.
func (d *Daemon) restore(r history.Restored) {
	d.history.ended, d.history.more = r.Ended, r.More
	var left int
	r.Kept.Modes, d.keeping.over = r.Kept.Lasting(d.keeping.hash)
	d.state, left = policy.Restore(d.Policy, r.Kept, d.moment())
	d.keeping.again = d.state.Modes
	if now := &d.state; left+len(now.Blocks)+len(now.Exempt)+len(now.Modes) > 0 {
		d.Log.Info("restored what an earlier run kept", "blocks", len(now.Blocks), "exempt", len(now.Exempt), "modes", len(now.Modes), "left_out", left)
	}
}

// moment is the present one.
func (d *Daemon) moment() policy.Moment {
	return policy.Moment{Boot: d.Boot, At: d.Now(), Wall: d.Wall().UnixNano()}
}

// keepEnded hands over attacks that ended in this turn.
func (d *Daemon) keepEnded(ended []control.Attack) {
	if d.Keeper == nil || len(ended) == 0 {
		return
	}
	records := make([]history.Record, len(ended))
	for i := range ended {
		records[i] = d.recordOf(d.decision.Ended[i].ID, ended[i])
	}
	d.Keeper.Ended(records)
}

// recordOf returns an attack with how it went so far.
func (d *Daemon) recordOf(id uint64, a control.Attack) history.Record {
	r := history.Record{Attack: a}
	if s := d.keeping.series[id]; s != nil {
		r.Series = s.Clone()
	}
	return r
}

// keep hands over what holds after this turn, and tells what keeps it from being kept.
func (d *Daemon) keep(s *control.Status) {
	if d.Keeper == nil {
		return
	}
	now := d.Now()
	d.sample(now, s)
	var open []history.Record
	if now.Sub(d.keeping.kept) >= openEvery && len(d.decision.Attacks) > 0 {
		d.keeping.kept = now
		for i := range d.decision.Attacks {
			a := &d.decision.Attacks[i]
			open = append(open, d.recordOf(a.ID, shownAttack(a, &d.history, d.calendar())))
		}
	}
	d.Keeper.Save(d.kept(), open)
}

// kept is what is to be kept of this turn.
func (d *Daemon) kept() policy.Kept {
	k := d.state.Keep(d.moment())
	k.Policy = d.keeping.hash
	return k
}

// keepEnd notes that the daemon came to its end in order.
func (d *Daemon) keepEnd() {
	if d.Keeper != nil {
		k := d.kept()
		k.Ended = true
		d.Keeper.Save(k, nil)
	}
}

// keeperFault tells what keeps the keeper from keeping all.
func (d *Daemon) keeperFault() {
	if d.Keeper != nil {
		d.faults.set("history", d.Keeper.Err())
	}
}

// sample measures how the open attacks go.
func (d *Daemon) sample(now policy.Instant, s *control.Status) {
	k := &d.keeping
	span := now.Sub(k.sampled)
	if k.sampled != 0 && span < sampleEvery {
		return
	}
	refused := make(map[string]uint64, len(s.Services))
	series := make(map[uint64]*history.Series, len(d.decision.Attacks))
	for i := range s.Services {
		svc := &s.Services[i]
		refused[svc.Name] = svc.RefusedPackets + svc.BlockedPackets + svc.DroppedPackets
		open := policy.PartOf(d.decision.Attacks, svc.Name, func(a *policy.Attack) string { return a.Service })
		if len(open) == 0 {
			continue
		}
		x := d.sampleOf(s, svc)
		if before, known := k.refused[svc.Name]; known {
			x.Refused = whole(perSecond(refused[svc.Name], before, span))
		}
		for j := range open {
			one := k.series[open[j].ID]
			if one == nil {
				one = new(history.Series)
			}
			one.Add(x)
			series[open[j].ID] = one
		}
	}
	k.sampled, k.refused, k.series = now, refused, series
}

// sampleOf is what is known of a service without asking anybody.
func (d *Daemon) sampleOf(s *control.Status, svc *control.Service) control.Sample {
	x := control.Sample{At: s.At, Held: svc.Held, Within: svc.Held, Limited: svc.LimitsTotal, Blocks: svc.BlocksTotal, Opened: whole(s.Kernel.OpensPerS)}
	for _, l := range policy.PartOf(d.decision.Limits, svc.Name, func(l *policy.Limit) string { return l.Service }) {
		x.Within -= l.Held
	}
	x.Within = max(x.Within, 0) // a prefix counts what sources within it count too
	if svc.SYNs != nil {
		x.SYNs = whole(svc.SYNs.PerS)
	}
	for _, l := range svc.Listeners {
		x.Queue = max(x.Queue, int(l.Queue))
	}
	return x
}

// whole rounds a rate.
func whole(r control.Rate) int { return int(math.Round(min(float64(r), math.MaxInt32))) }

// keepsElsewhere says that a new policy would keep the history elsewhere, which waits for a restart.
func (d *Daemon) keepsElsewhere(p *policy.Policy) []string {
	if p.History == d.keeping.policy {
		return nil
	}
	return []string{"history: takes effect when the service is restarted; until then it is as it was at start"}
}
