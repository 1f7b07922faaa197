package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// phrases say what happened where that has nothing to do with certain sources.
var phrases = map[policy.EventKind]string{
	policy.CookiesOff:       "SYN cookies are off",
	policy.LimitsFull:       "no more sources can be limited",
	policy.BlocksFull:       "no more sources can be blocked",
	policy.BlocksMerged:     "a prefix is blocked in place of sources within it",
	policy.StrikesForgotten: "strikes are forgotten to make room",
	policy.ShareChanged:     "the fair share of each source has changed",
	policy.PressureChanged:  "the SYN pressure has changed",
	policy.ProxyChanged:     "SYNPROXY has changed",
	policy.TableLost:        "somebody else removed ebbgate's table; it is built again",
	policy.TrackingChanged:  "the conntrack table's fill has changed",
	policy.ModeChanged:      "the mode has changed",
	Started:                 "ebbgate has started",
	Ready:                   "ebbgate is ready",
	Stopping:                "ebbgate stops, as it was told",
	PolicyLoaded:            "the policy was loaded again",
	PolicyRefused:           "a new policy was refused; the one before stays in force",
	TrialKept:               "the policy on trial stays: it was confirmed",
	TrialEnded:              "the policy on trial was not confirmed: the one before it is in force again",
}

// becomes says what sources are from now on, behind "is", "are" or "would be".
var becomes = map[policy.EventKind]string{
	policy.LimitRaised:    "limited",
	policy.LimitDropped:   "limited no more",
	policy.SourceBlocked:  "blocked",
	policy.SourceFreed:    "blocked no more",
	policy.ExemptAdded:    "exempt by hand",
	policy.ExemptEnded:    "exempt by hand no more",
	policy.ExemptOffender: "exempt, and at the limit others have",
}

// EventText says in a sentence what happened, where, to whom and why. It is of any length, one line, and safe to
// print. What is of a kind that this program does not know is told by its name.
func EventText(e *Event) string {
	var b strings.Builder
	if e.Service != "" {
		b.WriteString(Escape(e.Service) + ": ")
	}
	b.WriteString(incident(e) + byWhom(e))
	before := ": "
	if why := ReasonText(e.Rule, e.Measured, e.Threshold); why != "" {
		b.WriteString(before + why)
		before = "; "
	}
	if e.Why != "" {
		b.WriteString(before + Escape(e.Why))
	}
	if shadowed(e) {
		b.WriteString(" (shadow mode: nothing is done about it)")
	}
	return b.String()
}

// shadowed reports whether an event is of a service in shadow mode.
func shadowed(e *Event) bool {
	return e.Mode != nil && *e.Mode == policy.Shadow && e.Event != policy.ModeChanged
}

// incident says what happened, without where and why.
func incident(e *Event) string {
	switch e.Event {
	case policy.AttackBegan:
		return Escape(string(e.Kind)) + " began"
	case policy.AttackEnded:
		return Escape(string(e.Kind)) + " ended"
	case Degraded:
		return "does not work: " + Escape(e.Part)
	case Recovered:
		return "works again: " + Escape(e.Part)
	case ExcessClosed:
		return Counted(e.Count, "connection", "connections") + " beyond a limit or of a blocked source closed"
	case policy.ModeChanged:
		if e.Mode != nil {
			return "now in " + e.Mode.String() + " mode"
		}
	}
	if what, known := becomes[e.Event]; known {
		return whoIs(e) + " " + what
	}
	if phrase, known := phrases[e.Event]; known {
		return phrase
	}
	return strings.ReplaceAll(Escape(string(e.Event)), "-", " ")
}

// whoIs names the sources of an event as the subject of a sentence.
func whoIs(e *Event) string {
	who, is := Counted(max(e.Count, 1), "source", "sources"), "is"
	if e.Source.IsValid() {
		who = SourceText(e.Source)
	} else if e.Count > 1 {
		is = "are"
	}
	if shadowed(e) {
		is = "would be"
	}
	return who + " " + is
}

// byWhom says who took part in an attack.
func byWhom(e *Event) string {
	switch attack := e.Event == policy.AttackBegan || e.Event == policy.AttackEnded; {
	case attack && e.Source.IsValid():
		return ", most by " + SourceText(e.Source)
	case e.Event == policy.AttackBegan && e.Count > 1:
		return fmt.Sprintf(", by %s", Counted(e.Count, "source", "sources"))
	}
	return ""
}
