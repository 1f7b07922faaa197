package report

import (
	"slices"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// entry is one moment of the attack. Mark is its number in the plots.
type entry struct {
	Mark        int
	At          time.Time
	Class       string
	Time, After string
	What, Why   string
}

// timeline tells the attack in the order of time.
func timeline(a *control.Attack, c clock) []entry {
	it := "The attack"
	if a.Kind == policy.SlowApplication {
		it = "It"
	}
	out := []entry{{At: a.Since.Time, Class: "alarm", What: it + " was recognised", Why: text(a.Evidence)}}
	if !a.FirstRule.IsZero() {
		out = append(out, entry{At: a.FirstRule.Time, Class: "calm", What: "First rule in the kernel"})
	}
	for i := range a.Changes {
		out = append(out, changed(&a.Changes[i], watched(a)))
	}
	if !a.Ended.IsZero() {
		out = append(out, entry{At: a.Ended.Time, Class: "plain", What: it + " ended", Why: text(a.EndedWhy)})
	}
	slices.SortStableFunc(out, func(x, y entry) int { return x.At.Compare(y.At) })
	for i := range out {
		e := &out[i]
		e.Mark, e.Time, e.After = i+1, c.stamp(e.At), "+"+control.Length(max(0, e.At.Sub(a.Since.Time)))
	}
	return out
}

// changed is a change of the answer.
func changed(x *control.Change, watched bool) entry {
	what := text(x.What)
	switch {
	case x.Count > 0 && strings.HasPrefix(x.What, "share ") && !strings.HasPrefix(x.What, "share lifted"):
		what += " (" + control.Counted(x.Count, "source", "sources") + " held to it)"
	case x.Source.IsValid():
		what += ": " + text(control.SourceText(x.Source))
	case x.Count > 0 && !strings.HasPrefix(x.What, "share "):
		what += ": " + control.Number(x.Count)
	}
	if x.ByHand {
		return entry{At: x.At.Time, Class: "plain", What: capital(what), Why: text(x.Why)}
	}
	if watched {
		what = "would have been done: " + what
	}
	return entry{At: x.At.Time, Class: "care", What: capital(what), Why: text(x.Why)}
}
