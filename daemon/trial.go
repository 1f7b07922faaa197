package daemon

import (
	"slices"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// trial is what comes back when a policy that is on trial was not confirmed in time.
type trial struct {
	until  policy.Instant // 0: no policy is on trial
	former *policy.Policy
	source []byte
	modes  []policy.HandMode // set by hand under it

	// blocks are those of before the trial, with strikes: of services that the policy on trial does not have, or
	// where it allows more, they would be lost. At most limits.max_blocks of the former policy.
	blocks []policy.BlockState
}

// try puts the policy that was just adopted on trial for so long; 0 is for good. A trial that follows another
// goes back to what was there before both.
func (d *Daemon) try(length time.Duration, before trial) {
	switch {
	case length == 0:
		d.trial = trial{}
		return
	case d.trial.until == 0:
		d.trial = before
	default:
		d.trial.blocks = policy.NewestBlocks(before.blocks, d.trial.blocks, d.trial.former.Limits.MaxBlocks)
	}
	d.trial.until = d.Now().Add(length)
	d.reload.Until = control.TimeOf(d.Wall().Add(length))
}

// endTrial goes back to the former policy when the time of a trial is over. Modes that were set by hand during
// the trial go on, as the operator may have had to; of services that have none, those from before it hold again
// for what is left of their time. So do blocks that the trial ended.
func (d *Daemon) endTrial() {
	t := d.trial
	if t.until == 0 || d.Now() < t.until {
		return
	}
	d.trial = trial{}
	d.adopt(t.former, t.source)
	d.askModes(beneath(t.modes, d.decision.Modes))
	d.askBlocks(t.blocks)
	shown := *d.reload
	shown.InForce, shown.TrialOver, shown.Until, shown.Left, shown.Services = false, true, control.Time{}, 0, len(d.Policy.Services)
	d.reload, d.line.force = &shown, true
	d.happened("the policy's trial is over, the one before it is in force again", control.Event{Event: control.TrialEnded,
		Why: d.PolicyPath + " was not confirmed in time"}, "services", len(d.Policy.Services))
}

// askBlocks has the next decision take back what a policy on trial ended.
func (d *Daemon) askBlocks(blocks []policy.BlockState) {
	if len(blocks) > 0 {
		d.asks = append(d.asks, policy.Order{Kind: policy.OrderBlocks, Blocks: blocks})
	}
}

// spare forgets blocks of before a trial that the operator ended since, or whose sources he exempted.
func (t *trial) spare(orders []policy.Order) {
	for i := range orders {
		o := &orders[i]
		freed, service := o.Block.Source, o.Block.Service
		switch o.Kind {
		case policy.OrderUnblock:
		case policy.OrderExempt:
			freed, service = o.Exemption.Prefix, o.Exemption.Service
		default:
			continue
		}
		t.blocks = slices.DeleteFunc(slices.Clone(t.blocks), func(b policy.BlockState) bool {
			return (service == "" || service == b.Service) && freed.Bits() <= b.Source.Bits() && freed.Contains(b.Source.Addr())
		})
	}
}

// beneath returns modes now, and those before of services that have none now.
func beneath(before, now []policy.HandMode) []policy.HandMode {
	of := func(service string) func(policy.HandMode) bool {
		return func(m policy.HandMode) bool { return m.Service == service }
	}
	out := slices.DeleteFunc(slices.Clone(before), func(m policy.HandMode) bool { return slices.ContainsFunc(now, of(m.Service)) })
	return append(out, now...)
}

// confirm lets everything stay that is on trial.
func (d *Daemon) confirm(o *control.Order) {
	tried := d.trial.until != 0
	var modes []string
	for _, m := range d.decision.Modes {
		if m.Until != 0 {
			modes = append(modes, m.Service)
		}
	}
	if !tried && len(modes) == 0 {
		o.Refuse(&control.Error{Kind: control.KindNotFound, Message: "nothing is on trial: neither the policy nor a mode would go back by itself"})
		return
	}
	if tried {
		d.trial = trial{}
		shown := *d.reload
		shown.Until, shown.Left = control.Time{}, 0
		d.reload = &shown
		d.happened("the policy on trial stays", control.Event{Event: control.TrialKept, Why: d.PolicyPath + " was confirmed"})
	}
	d.line.force = true
	d.order = &order{asked: o, input: func(policy.Instant) policy.Order { return policy.Order{Kind: policy.OrderConfirm} },
		outcome: func() (any, *control.Error) {
			kept := slices.DeleteFunc(d.modes(false), func(m control.ServiceMode) bool { return !slices.Contains(modes, m.Service) })
			return control.Confirmed{Policy: tried, Services: kept}, nil
		}}
}

// shownReload is the latest attempt to load the policy, with the time a trial has left.
func (d *Daemon) shownReload() *control.Reload {
	if d.trial.until == 0 {
		return d.reload
	}
	shown := *d.reload
	shown.Left = d.calendar().Left(d.trial.until)
	return &shown
}

// goOn has a trial shown that goes on, as the policy that was to end it is bad.
func (d *Daemon) goOn(was *control.Reload) {
	if d.trial.until != 0 {
		d.reload.Until = was.Until
	}
}
