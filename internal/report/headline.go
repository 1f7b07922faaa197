package report

import (
	"strings"
	"time"
	"unicode/utf8"

	"ebbgate/control"
	"ebbgate/policy"
)

// title says in one line what happened.
func title(a *control.Attack) string {
	service := text(a.Service)
	switch a.Kind {
	case policy.ConnectionFlood:
		return "Connection flood on " + service
	case policy.DistributedFlood:
		return "Distributed flood on " + service
	case policy.Churn:
		return "Connection churn on " + service
	case policy.SYNFlood:
		return "SYN flood on " + service
	case policy.SpoofedSYNFlood:
		return "SYN flood with forged addresses on " + service
	case policy.SlowApplication:
		return "The application behind " + service + " was slow"
	default:
		return text(string(a.Kind)) + " on " + service
	}
}

// lead tells it to somebody who has to answer for the service and does not run it.
func lead(f *Facts, c clock) []string {
	a := f.Attack
	length := "It lasted " + control.Length(f.lasted()) + ", until " + c.stamp(f.end()) + "."
	if a.Ended.IsZero() {
		length = "It is still open after " + control.Length(f.lasted()) + ": this page tells what is known so far."
	}
	out := []string{"On " + c.full(a.Since.Time) + " " + happened(a) + " " + length, done(a)}
	if a.Why != "" {
		out = append(out, sentence(a.Why))
	}
	if !a.Ended.IsZero() && a.EndedWhy != "" {
		out = append(out, "How it ended: "+closed(text(a.EndedWhy)))
	}
	return out
}

// sentence makes a clause of the daemon's a sentence.
func sentence(s string) string {
	return closed(capital(text(s)))
}

func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

func closed(s string) string { return strings.TrimSuffix(s, ".") + "." }

func happened(a *control.Attack) string {
	service := text(a.Service)
	switch a.Kind {
	case policy.ConnectionFlood:
		return "somebody began to hold more connections of " + service + " than one source may."
	case policy.DistributedFlood:
		return service + " began to run full, and no single source was to blame."
	case policy.Churn:
		return "somebody began to open connections of " + service + " faster than one source may."
	case policy.SYNFlood:
		return "SYNs, the requests for a connection, began to come to " + service + " in the name of a few addresses, faster than they may and mostly never completed."
	case policy.SpoofedSYNFlood:
		return "SYNs, the requests for a connection, began to come to " + service + " from forged addresses; nobody completes them."
	case policy.SlowApplication:
		return "the application behind " + service + " ceased to keep up with clients that were normal. As far as can be seen nobody attacked it."
	default:
		return "an attack on " + service + " began."
	}
}

// watched says that nothing was done because nothing was to be done.
func watched(a *control.Attack) bool { return a.Mode == policy.Shadow }

// done says what was done, or would have been.
func done(a *control.Attack) string {
	switch {
	case a.Kind == policy.SpoofedSYNFlood:
		return "Nobody was limited, for the addresses were not the sender's; what carries such a flood is SYN cookies in the kernel."
	case a.Kind == policy.SlowApplication:
		return "Nobody was limited, for fewer clients would not have made the application faster. It is the application that needs attention."
	case watched(a) && acts(a) == "":
		return "ebbgate was in shadow mode and only watched. It would not have limited anybody either."
	case watched(a):
		return "ebbgate was in shadow mode and only watched. In enforce mode it would have " + acts(a) + "."
	case a.FirstRule.IsZero():
		return "No rule was put into the kernel against it, so nobody was limited."
	}
	out := "The first rule was in the kernel " + after(a) + "."
	if what := acts(a); what != "" {
		out = "ebbgate " + what + ". " + out
	}
	return out
}

// acts are the measures, in the past tense, or "".
func acts(a *control.Attack) string {
	var m []string
	if a.PeakSources > 0 {
		what := "held back up to "
		if a.Kind == policy.SYNFlood {
			what = "found up to "
		}
		m = append(m, what+control.Counted(a.PeakSources, "source", "sources")+" at a time")
	}
	if a.Excess > 0 {
		m = append(m, "marked "+control.Counted(a.Excess, "connection", "connections")+" beyond the limits for closing")
	}
	if a.Blocked > 0 {
		m = append(m, "blocked sources that went on ("+control.Counted(a.Blocked, "block", "blocks")+")")
	}
	if n := len(m); n > 1 {
		return strings.Join(m[:n-1], ", ") + " and " + m[n-1]
	}
	return strings.Join(m, "")
}

func after(a *control.Attack) string {
	if d := untilRule(a); d != atOnce {
		return d + " after the attack was recognised"
	}
	return atOnce
}

const atOnce = "at once"

// untilRule is how long it took until the first rule was in the kernel.
func untilRule(a *control.Attack) string {
	d := a.FirstRule.Sub(a.Since.Time)
	if d < 10*time.Millisecond {
		return atOnce
	}
	return control.Length(d)
}
