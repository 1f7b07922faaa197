package notify

import (
	"fmt"
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// maxLine bounds the characters of one text, most of which an event's reasons may take.
const maxLine = 400

// phrases say what happened; an event of another kind is told by its name.
var phrases = map[policy.EventKind]string{
	policy.LimitRaised:      "limits %s",
	policy.LimitDropped:     "limits %s no more",
	policy.SourceBlocked:    "blocks %s",
	policy.SourceFreed:      "blocks %s no more",
	policy.ExemptOffender:   "%s is exempt, and at the limit others have",
	policy.ExemptAdded:      "%s is exempt by order",
	policy.ExemptEnded:      "%s is exempt by order no more",
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
	control.Started:         "ebbgate has started",
	control.Ready:           "ebbgate is ready",
	control.Stopping:        "ebbgate stops, as it was told",
	control.PolicyLoaded:    "the policy was reloaded",
	control.TrialKept:       "the policy on trial stays: it was confirmed",
	control.TrialEnded:      "the policy on trial was not confirmed: the one before it is in force again",
	control.ExcessClosed:    "connections beyond their limits were closed",
	policy.ModeChanged:      "the mode has changed",
	control.PolicyRefused:   "a new policy was refused; the one before stays in force",
	Unreachable:             "ebbgate cannot be reached",
	Reachable:               "ebbgate can be reached again",
	Missed:                  "events may have been missed",
	Test:                    "a test of ebbgate notify",
}

// Text returns one line about an event, without the host's name: safe to print, and of 400
// characters at most.
func Text(e *control.Event) string {
	var b strings.Builder
	if e.Service != "" {
		fmt.Fprintf(&b, "%s: ", e.Service)
	}
	b.WriteString(happened(e))
	if e.Source.IsValid() && (e.Event == policy.AttackBegan || e.Event == policy.AttackEnded) {
		fmt.Fprintf(&b, ", most by %s", control.SourceText(e.Source))
	}
	if e.Event == policy.AttackBegan && !e.Source.IsValid() && e.Count > 1 {
		fmt.Fprintf(&b, ", by %s", control.Counted(e.Count, "source", "sources"))
	}
	before := ": "
	if e.Rule != "" {
		b.WriteString(before + control.ShortReason(e.Rule, e.Measured, e.Threshold))
		before = "; "
	}
	if e.Why != "" {
		b.WriteString(before + e.Why)
	}
	if e.Mode != nil && *e.Mode == policy.Shadow && e.Event != policy.ModeChanged {
		b.WriteString(" (shadow mode: nothing is done about it)")
	}
	if e.Attack != "" {
		fmt.Fprintf(&b, " [ebbgate attacks %s]", e.Attack)
	}
	return clip(control.Escape(b.String()), maxLine)
}

// happened says what happened, without where and why.
func happened(e *control.Event) string {
	switch e.Event {
	case policy.AttackBegan:
		return string(e.Kind) + " began"
	case policy.AttackEnded:
		return string(e.Kind) + " ended"
	case control.Degraded:
		return "does not work: " + e.Part
	case control.Recovered:
		return "works again: " + e.Part
	case policy.ModeChanged:
		if e.Mode != nil {
			return "now in " + e.Mode.String() + " mode"
		}
	}
	phrase, known := phrases[e.Event]
	switch {
	case !known:
		return strings.ReplaceAll(string(e.Event), "-", " ")
	case !strings.Contains(phrase, "%s"):
		return phrase
	case e.Source.IsValid():
		return fmt.Sprintf(phrase, control.SourceText(e.Source))
	default:
		return fmt.Sprintf(phrase, control.Counted(max(e.Count, 1), "source", "sources"))
	}
}

// clip cuts a text off after so many bytes at most, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const dots = "..."
	return strings.ToValidUTF8(s[:most-len(dots)], "") + dots
}
