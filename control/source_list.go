package control

import (
	"cmp"
	"container/heap"
	"math"
	"slices"

	"ebbgate/policy"
)

// SourceList is what is known of all sources at one moment. It is never changed once made.
type SourceList struct {
	Calendar Calendar
	Counted  Time // when the newest census began; zero: there was none
	Complete bool
	Services []policy.ServiceStandings // by name
}

// Select answers a request, which must be a good one: one pass over all sources, and an order for those
// that are answered. It returns nil where the service asked for is not there.
func (l *SourceList) Select(r SourcesRequest) *Sources {
	out := &Sources{At: TimeOf(l.Calendar.Wall), Counted: l.Counted, Complete: l.Complete, Sources: []Source{}}
	most := &mostOf{order: r.Sort}
	limit, found := cmp.Or(r.Limit, DefaultSources), r.Service == ""
	for i := range l.Services {
		sv := &l.Services[i]
		if r.Service != "" && sv.Service != r.Service {
			continue
		}
		found = true
		out.Rest.Sources += sv.Rest.Sources
		out.Rest.Held += sv.Rest.Held
		for j := range sv.Sources {
			s := &sv.Sources[j]
			state := stateOf(s)
			if r.State != "" && state != r.State || r.Within.IsValid() && !r.Within.Overlaps(s.Source) {
				continue
			}
			out.add(s, state, sv.Mode)
			most.offer(standing{s, sv, most.measure(s)}, limit)
		}
	}
	if !found {
		return nil
	}
	for _, s := range most.sorted() {
		out.Sources = append(out.Sources, sourceOf(s.of, s.Standing, l.Calendar))
	}
	return out
}

// add counts a source that matches.
func (a *Sources) add(s *policy.Standing, state SourceState, mode policy.Mode) {
	a.Total++
	if !s.Part {
		a.Held += s.Held
	}
	*a.States.of(state)++
	if mode == policy.Shadow {
		*a.Shadow.of(state)++
	}
}

// of returns the count of a state.
func (c *SourceCounts) of(state SourceState) *int {
	switch state {
	case SourceExempt:
		return &c.Exempt
	case SourceBlocked:
		return &c.Blocked
	case SourceRefused:
		return &c.Refused
	case SourceLimited:
		return &c.Limited
	case SourceWatched:
		return &c.Watched
	default:
		return &c.Free
	}
}

// stateOf says what holds for a source, the strongest.
func stateOf(s *policy.Standing) SourceState {
	switch {
	case s.Exempt:
		return SourceExempt
	case s.Block != nil:
		return SourceBlocked
	case s.Limit != nil && s.Limit.Refuse:
		return SourceRefused
	case s.Limit != nil:
		return SourceLimited
	case s.Watched:
		return SourceWatched
	default:
		return SourceFree
	}
}

// sourceOf returns the wire form of a source.
func sourceOf(sv *policy.ServiceStandings, s *policy.Standing, c Calendar) Source {
	out := Source{Service: sv.Service, Mode: sv.Mode, Source: s.Source, Part: s.Part, Known: s.Known, Held: s.Held, HalfOpen: s.HalfOpen,
		Max: s.Max, MaxRule: s.Rule, SYNsOver: s.SYNsOver, Dropped: s.Dropped, State: stateOf(s), Strikes: s.Strikes}
	if s.RateKnown {
		n := int(math.Round(s.Rate))
		out.PerS = &n
	}
	var why policy.Reason
	switch out.State {
	case SourceBlocked:
		why, out.Left = s.Block.Reason, c.Left(s.Block.Until)
	case SourceRefused, SourceLimited:
		why, out.Left = s.Limit.Reason, c.Left(s.Limit.Until)
	}
	out.Rule, out.Measured, out.Over = why.Rule, why.Measured, why.Threshold
	return out
}

// standing is a source of a service with what it is sorted by.
type standing struct {
	*policy.Standing
	of *policy.ServiceStandings
	by float64
}

// mostOf keeps the first of many sources in an order: a heap with the last of them on top.
type mostOf struct {
	order SourceOrder
	kept  []standing
}

// measure is what a source is sorted by; what is not known comes last.
func (m *mostOf) measure(s *policy.Standing) float64 {
	switch m.order {
	case ByState:
		switch stateOf(s) {
		case SourceBlocked, SourceRefused, SourceLimited:
			return 1
		}
		return 0
	case ByNew:
		return rateOrder(s)
	case ByHalfOpen:
		return float64(s.HalfOpen)
	case BySYNs:
		return float64(s.SYNsOver)
	default:
		return float64(s.Held)
	}
}

// offer keeps a source if it is among the first.
func (m *mostOf) offer(s standing, limit int) {
	if len(m.kept) < limit {
		heap.Push(m, s)
	} else if before(s, m.kept[0]) < 0 {
		m.kept[0] = s
		heap.Fix(m, 0)
	}
}

// sorted returns what is kept in order.
func (m *mostOf) sorted() []standing {
	slices.SortFunc(m.kept, before)
	return m.kept
}

// rateOrder is how fast a source opens connections; one of which that is not known comes last.
func rateOrder(s *policy.Standing) float64 {
	if !s.RateKnown {
		return -1
	}
	return s.Rate
}

// before compares: the most first, and of equals the one that holds most, then the one that opens them fastest,
// then by service and address.
func before(a, b standing) int {
	if c := cmp.Or(cmp.Compare(b.by, a.by), cmp.Compare(b.Held, a.Held), cmp.Compare(rateOrder(b.Standing), rateOrder(a.Standing)),
		cmp.Compare(a.of.Service, b.of.Service)); c != 0 {
		return c
	}
	return policy.ComparePrefix(a.Source, b.Source)
}

// Len, Less, Swap, Push and Pop make a heap of it.
func (m *mostOf) Len() int           { return len(m.kept) }
func (m *mostOf) Less(i, j int) bool { return before(m.kept[i], m.kept[j]) > 0 }
func (m *mostOf) Swap(i, j int)      { m.kept[i], m.kept[j] = m.kept[j], m.kept[i] }

// Push adds one at the end.
func (m *mostOf) Push(x any) { m.kept = append(m.kept, x.(standing)) }

// Pop takes the last one away.
func (m *mostOf) Pop() any {
	last := m.kept[len(m.kept)-1]
	m.kept = m.kept[:len(m.kept)-1]
	return last
}
