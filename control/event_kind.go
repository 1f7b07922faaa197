package control

import (
	"log/slog"
	"slices"

	"ebbgate/policy"
)

// The transitions of the daemon itself. Those of the decision are in package policy.
const (
	Started       policy.EventKind = "started"        // the process; its first turn is to come
	Ready         policy.EventKind = "ready"          // the policy is in force
	Stopping      policy.EventKind = "stopping"       // on purpose; one that crashes says nothing
	PolicyLoaded  policy.EventKind = "policy-loaded"  // by a reload
	PolicyRefused policy.EventKind = "policy-refused" // by a reload: the one before stays in force
	TrialEnded    policy.EventKind = "trial-ended"    // of a policy that was not confirmed: the one before it is in force again
	TrialKept     policy.EventKind = "trial-kept"     // it was confirmed, and stays
	Degraded      policy.EventKind = "degraded"       // a part does not work
	Recovered     policy.EventKind = "recovered"      // it works again
	ExcessClosed  policy.EventKind = "excess-closed"  // connections beyond a limit, or of who is blocked
)

// EventKinds returns every transition there is, the daemon's own first.
func EventKinds() []policy.EventKind {
	own := []policy.EventKind{Started, Ready, Stopping, PolicyLoaded, PolicyRefused, TrialEnded, TrialKept, Degraded, Recovered, ExcessClosed}
	return slices.Concat(own, policy.EventKinds())
}

// CheckEvent says what transitions there are.
func CheckEvent(k policy.EventKind) error { return oneOf(k, EventKinds(), "an event") }

// EventLevel tells what an operator must look at from what is ebbgate's daily work. The journal's priority
// and the colour on a terminal both follow from it.
func EventLevel(k policy.EventKind) slog.Level {
	switch k {
	case Degraded, PolicyRefused:
		return slog.LevelError
	case policy.AttackBegan, policy.LimitsFull, policy.BlocksFull, policy.CookiesOff, policy.ExemptOffender, policy.TableLost, TrialEnded:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
