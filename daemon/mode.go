package daemon

import (
	"slices"

	"ebbgate/control"
	"ebbgate/policy"
)

// acting is the policy that holds: the one that was read, with modes by hand in place of its own.
type acting struct {
	policy *policy.Policy
	of     *policy.Policy // that was read
	modes  []policy.HandMode
}

// act derives the policy that holds after a decision. It is made anew only when something about it changed:
// whoever compares the policy of two turns finds out at a glance.
func (d *Daemon) act() {
	if a := &d.acting; a.of == d.Policy && slices.Equal(a.modes, d.decision.Modes) {
		return
	}
	d.readCounts(d.Now()) // a service may begin anew with another mode
	d.acting = acting{policy: d.Policy.Acting(d.decision.Modes), of: d.Policy, modes: d.decision.Modes}
	d.tally.keep(d.acting.policy)
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
