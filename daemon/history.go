package daemon

import (
	"cmp"
	"slices"

	"ebbgate/control"
	"ebbgate/policy"
)

// told is what is told of attacks beyond the decision: the time of the first rule against each
// that is open and what the policy said then, and those that ended last, the newest first and at most control.MaxEnded. Neither
// is changed in place: what was published refers to them.
type told struct {
	first map[uint64]policy.Instant
	rules map[uint64]*control.AttackPolicy // of each that is open, what the policy said of its service when it began
	ended []control.Attack
	more  bool // older ones are kept
}

// remember takes a turn's attacks over, once its decision is enforced.
func (d *Daemon) remember() {
	h, c := &d.history, d.calendar()
	if n := len(d.decision.Ended); n > 0 {
		ended := make([]control.Attack, 0, n+len(h.ended))
		for i := range d.decision.Ended {
			ended = append(ended, shownAttack(&d.decision.Ended[i], h, c))
		}
		d.keepEnded(ended)
		slices.Reverse(ended)
		ended = append(ended, h.ended...)
		h.more = h.more || len(ended) > control.MaxEnded && d.Keeper != nil
		h.ended = ended[:min(len(ended), control.MaxEnded)]
	}
	if len(d.decision.Attacks) == 0 && len(h.first)+len(h.rules) == 0 {
		return
	}
	have := d.Rules.Have()
	there := have.Known && have.Present && d.table.refused == nil
	first := make(map[uint64]policy.Instant, len(d.decision.Attacks))
	rules := make(map[uint64]*control.AttackPolicy, len(d.decision.Attacks))
	for i := range d.decision.Attacks {
		a := &d.decision.Attacks[i]
		at, known := h.first[a.ID]
		if !known && there && ruled(&d.decision, a) {
			at, known = d.Now(), true
		}
		if known {
			first[a.ID] = at
		}
		rules[a.ID] = h.rules[a.ID]
		if rules[a.ID] == nil {
			if s := d.Policy.Service(a.Service); s != nil {
				rules[a.ID] = control.AttackPolicyOf(s)
			}
		}
	}
	h.first, h.rules = first, rules
}

// ruled reports whether a decision has rules against an attack. Against a spoofed flood and a slow
// application there are none, whatever else happens to their service.
func ruled(d *policy.Decision, a *policy.Attack) bool {
	switch a.Kind {
	case policy.SpoofedSYNFlood, policy.SlowApplication:
		return false
	case policy.SYNFlood:
		return slices.ContainsFunc(d.Drops, func(x policy.SYNDrop) bool { return x.Service == a.Service })
	}
	return slices.ContainsFunc(d.Limits, func(l policy.Limit) bool { return l.Service == a.Service }) ||
		slices.ContainsFunc(d.Blocks, func(b policy.Block) bool { return b.Service == a.Service })
}

func shownAttack(a *policy.Attack, h *told, c control.Calendar) control.Attack {
	shown := control.AttackOf(a, c)
	shown.FirstRule, shown.Policy = c.Time(h.first[a.ID]), h.rules[a.ID]
	return shown
}

// attacks returns all attacks that are known, the newest first.
func (p *picture) attacks() *control.Attacks {
	out := &control.Attacks{At: control.TimeOf(p.calendar.Wall), More: p.history.more}
	for i := range p.decision.Attacks {
		out.Attacks = append(out.Attacks, shownAttack(&p.decision.Attacks[i], &p.history, p.calendar))
	}
	out.Attacks = append(out.Attacks, p.history.ended...)
	slices.SortFunc(out.Attacks, func(a, b control.Attack) int { // by number: they count up
		return cmp.Or(cmp.Compare(len(b.ID), len(a.ID)), cmp.Compare(b.ID, a.ID))
	})
	return out
}
