package control

import (
	"strconv"

	"ebbgate/policy"
)

// AttackOf returns the wire form of an attack. FirstRule is for the caller to add.
func AttackOf(a *policy.Attack, c Calendar) Attack {
	out := Attack{
		ID: strconv.FormatUint(a.ID, 10), Service: a.Service, Kind: a.Kind, Mode: a.Mode, Since: c.Time(a.Began),
		Evidence: ReasonText(a.Evidence.Rule, a.Evidence.Measured, a.Evidence.Threshold), Rule: a.Evidence.Rule, Measured: a.Evidence.Measured, Threshold: a.Evidence.Threshold,
		Why: a.Why, PeakHeld: a.PeakHeld, PeakSources: a.PeakSources, PeakRate: a.PeakRate, Excess: a.Excess, Blocked: a.Blocked,
		Top: make([]PrefixCount, 0, len(a.Top)), Changes: make([]Change, 0, len(a.Changes)), ChangesLost: a.Dropped,
		Ended: c.Time(a.Ended), EndedWhy: a.EndedWhy,
	}
	for _, t := range a.Top {
		out.Top = append(out.Top, PrefixCount{Prefix: t.Prefix, Sources: t.Sources, Held: t.Held, PerS: t.Rate})
	}
	for _, x := range a.Changes {
		out.Changes = append(out.Changes, Change{At: c.Time(x.At), What: x.What, Count: x.Count, Why: x.Why, Source: x.Source, ByHand: x.ByHand})
	}
	return out
}

// LimitOf returns the wire form of a limit.
func LimitOf(l *policy.Limit, c Calendar) Limit {
	return Limit{Source: l.Source, Held: l.Held, Max: l.Max, Refusing: l.Refuse, Mode: l.Mode, Since: c.Time(l.Since),
		LeaseLeft: c.Left(l.Until), Rule: l.Reason.Rule, Measured: l.Reason.Measured, Threshold: l.Reason.Threshold}
}

// BlockOf returns the wire form of a block.
func BlockOf(b *policy.Block, c Calendar) Block {
	return Block{Source: b.Source, Mode: b.Mode, Strikes: b.Strikes, Since: c.Time(b.Since), Left: c.Left(b.Until),
		Rule: b.Reason.Rule, Measured: b.Reason.Measured, Threshold: b.Reason.Threshold,
		ByHand: b.ByHand(), Reason: b.Note}
}

// OffenderOf returns the wire form of an exempt source that holds as much as others may.
func OffenderOf(o *policy.Offender, c Calendar) *Offender {
	return &Offender{Source: o.Source, Since: c.Time(o.Since), Rule: o.Reason.Rule, Measured: o.Reason.Measured, Threshold: o.Reason.Threshold}
}

// ReliefOf returns the wire form of a relief.
func ReliefOf(r *policy.Relief) *Relief {
	return &Relief{Mode: r.Mode, Held: r.Held, Max: r.Max,
		Rule: r.Reason.Rule, Measured: r.Reason.Measured, Threshold: r.Reason.Threshold}
}

// ExemptOf returns the wire form of an exemption.
func ExemptOf(e *policy.Exemption, c Calendar) Exempt {
	out := Exempt{Prefix: e.Prefix, Service: e.Service, Since: c.Time(e.Since), Until: c.Time(e.Until), Reason: e.Reason}
	if e.Until != 0 {
		out.Left = c.Left(e.Until)
	}
	return out
}

// ruleCapacity is the key by which a limit is known for one of the fair share.
const ruleCapacity = "capacity"

// ShareOf finds the fair share of a service among its limits; without one it returns nil.
func ShareOf(svc *policy.Service, limits []policy.Limit, c Calendar) *Share {
	var s *Share
	var since policy.Instant
	for i := range limits {
		l := &limits[i]
		if l.Service != svc.Name || l.Reason.Rule != ruleCapacity {
			continue
		}
		if s == nil {
			s = &Share{Least: l.Max, Capacity: svc.Capacity}
			since = l.Since
		}
		s.Sources++
		s.Limit, s.Least, since = max(s.Limit, l.Max), min(s.Least, l.Max), min(since, l.Since)
		s.Measured, s.Target = l.Reason.Measured, l.Reason.Threshold
	}
	if s != nil {
		s.Since = c.Time(since)
	}
	return s
}
