package daemon

import (
	"cmp"
	"slices"

	"ebbgate/control"
	"ebbgate/policy"
)

// act takes over the policy by which was decided. It is another one only when something about it changed:
// whoever compares the policy of two turns finds out at a glance.
func (d *Daemon) act() {
	p := cmp.Or(d.state.Acting(), d.Policy)
	if p == d.acting {
		return
	}
	d.readCounts(d.Now()) // a service may begin anew with another mode
	d.acting = p
	d.tally.keep(p, control.TimeOf(d.Wall()))
	d.line.force = true
}

// modes returns those of services that were set by hand, or all.
func (d *Daemon) modes(byHand bool) []control.ServiceMode {
	list := control.ModesOf(d.Policy, d.decision.Modes, d.calendar())
	return slices.DeleteFunc(list, func(m control.ServiceMode) bool { return byHand && !m.ByHand })
}

// askModes has the next decision take these modes by hand in place of all others.
func (d *Daemon) askModes(modes []policy.HandMode) {
	if len(modes)+len(d.decision.Modes) > 0 {
		d.asks = append(d.asks, policy.Order{Kind: policy.OrderModes, Modes: modes})
	}
}
