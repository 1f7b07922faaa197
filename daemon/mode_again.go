package daemon

import (
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// tellModes tells, at start, which modes by hand hold again and which do not, for each service once.
func (d *Daemon) tellModes() {
	for _, now := range control.ModesOf(d.Policy, d.keeping.again, d.calendar()) {
		why := againWhy(&now)
		if !now.ByHand {
			why = overWhy(d.keeping.over, now.Service)
		}
		if why != "" {
			d.happened(string(policy.ModeChanged), control.Event{Event: policy.ModeChanged, Service: now.Service, Mode: &now.Mode, Why: why})
		}
	}
}

// againWhy says why a mode by hand holds again.
func againWhy(m *control.ServiceMode) string {
	const again = "by hand before ebbgate was started again, "
	if m.Until.IsZero() {
		return again + "which nobody asked for: it stays until the next reload or restart"
	}
	return again + "for another " + policy.Brief(time.Duration(m.Left).Round(time.Second))
}

// overWhy says why a service's mode by hand does not hold again; empty: it had none, or the operator ended it.
func overWhy(over []policy.HandMode, service string) string {
	why := ""
	for i := range over {
		switch m := &over[i]; {
		case m.Service != service:
		case m.Until != 0:
			return "enforce mode by hand does not outlast a change of the policy file: the policy's mode holds since ebbgate was started again"
		default:
			why = "enforce mode by hand ended as ebbgate was started again: the policy's mode holds"
		}
	}
	return why
}
