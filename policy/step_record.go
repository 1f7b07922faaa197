package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// changes adds to an attack's record what was changed of the response to it in this step, and what the operator did
// of which he may have to give an account: only while it was open, not in the step in which it began.
func (st *serviceStep) changes(now *Attack, a *answered) {
	change := func(what string, events []Event, why string, source netip.Prefix) {
		if n := len(events); n > 0 {
			now.change(Change{At: st.o.At, What: what, Count: n, Why: why, Source: source, ByHand: why == endedByHand})
		}
	}
	if now.Began != st.o.At {
		for _, c := range st.deeds {
			now.change(c)
		}
	}
	if a.moved != "" {
		now.change(Change{At: st.o.At, What: a.moved, Count: max(1, a.sources), Why: fmt.Sprintf("%d held of capacity %d", st.state.Share.Held, st.service.Capacity)})
	}
	for _, c := range a.changes {
		now.change(c)
	}
	change("sources limited", a.raises, firstReason(a.raises), netip.Prefix{})
	change("sources blocked", a.blocks, firstReason(a.blocks), netip.Prefix{})
	change("limits lifted", a.drops, firstWhy(a.drops), onlySource(a.drops))
}

func firstReason(list []Event) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Reason.String()
}

func firstWhy(list []Event) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Why
}

// onlySource returns the source that events are about, if it is one.
func onlySource(events []Event) netip.Prefix {
	if len(events) != 1 {
		return netip.Prefix{}
	}
	return events[0].Source
}

// deed notes something the operator did, or that followed from it by itself.
func (st *serviceStep) deed(what string, source netip.Prefix, why string) {
	st.deeds = append(st.deeds, Change{At: st.o.At, What: what, Source: source, Why: why, ByHand: true})
}

// ordered notes what orders did that are not about one service alone: modes and exemptions. Step has reported
// each of them.
func (st *serviceStep) ordered(events []Event) {
	for i := range events {
		e := &events[i]
		if e.Service != "" && e.Service != st.service.Name {
			continue
		}
		switch e.Kind {
		case ModeChanged:
			st.deed(e.Mode.String()+" mode from here on", netip.Prefix{}, e.Why)
		case ExemptAdded:
			st.deed("exempt by hand", e.Source, e.Why)
		case ExemptEnded:
			st.deed("no longer exempt by hand", e.Source, e.Why)
		}
	}
}

// change adds a change of response. At the bound the first half is kept, and the newest ones; what the operator did
// outlasts what ebbgate did by itself.
func (a *Attack) change(c Change) {
	if slices.Contains(a.Changes, c) {
		return // this observation came twice
	}
	if len(a.Changes) >= maxChanges {
		gone := slices.IndexFunc(a.Changes[maxChanges/2:], func(c Change) bool { return !c.ByHand })
		gone = maxChanges/2 + max(gone, 0)
		a.Changes = slices.Delete(a.Changes, gone, gone+1)
		a.Dropped++
	}
	a.Changes = append(a.Changes, c)
}
