package survey

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"ebbgate/internal/inetdiag"
	"ebbgate/observer"
	"ebbgate/policy"
)

// maxSources is how many sources of all services together are told apart.
const maxSources = 4 * policy.DefaultMaxSources

// Overview counts sockets by state, and connections that came in by service and source.
type Overview struct {
	States   []StateCount   // every state that occurs, most sockets first
	Services []ServiceCount // in the order of Survey.Services
}

// CloseWait reports whether there is anything in CLOSE_WAIT.
func (o *Overview) CloseWait() bool {
	return slices.ContainsFunc(o.States, func(c StateCount) bool { return c.State == inetdiag.CloseWait })
}

// StateCount is the number of sockets in one state.
type StateCount struct {
	State   inetdiag.State
	Sockets int
}

// ServiceCount counts the connections that came in to one service. Held and HalfOpen are 0 if the
// selection names states.
type ServiceCount struct {
	Service  *policy.Service
	Sockets  int // in the selected states; without any, held and half-open ones
	Held     int // connections that hold a slot of the application
	HalfOpen int // handshakes not completed
	Sources  int // an upper bound if the survey is not complete
	Top      []SourceCount
}

// SourceCount counts the connections of one source, as ServiceCount does.
type SourceCount struct {
	Source                  netip.Prefix
	Sockets, Held, HalfOpen int
}

// Counting says how Survey.Overview counts sources.
type Counting struct {
	Group Group
	Whole []netip.Prefix // IPv6 prefixes whose addresses are sources of their own: those a policy exempts
	Own   []netip.Addr   // the host's addresses, which are no source
	Top   int            // how many of the heaviest sources of each service to tell, at most MaxTop
}

// Overview counts in one walk, about a microsecond for each socket.
func (s *Survey) Overview(ctx context.Context, how Counting) (*Overview, error) {
	c := counter{
		survey: s,
		all:    s.sel.States != 0,
		totals: make([]ServiceCount, len(s.services)),
		sources: observer.NewSourceCount(len(s.services),
			observer.SourceGroup{IPv4: how.Group.IPv4, IPv6: how.Group.IPv6, Whole: how.Whole, Own: how.Own}, maxSources),
	}
	if err := s.walk(ctx, AllStates, false, c.add); err != nil {
		return nil, err
	}
	return c.result(min(how.Top, MaxTop)), nil
}

// counter is an overview in the making.
type counter struct {
	survey  *Survey
	all     bool // count sockets whatever they hold
	states  [12]int
	totals  []ServiceCount
	sources *observer.SourceCount
}

func (c *counter) add(s *inetdiag.Socket) {
	state := StateOf(s)
	c.states[state]++
	held := s.Holds()
	if state == inetdiag.Listen || !c.all && !held && state != inetdiag.SynRecv {
		return
	}
	service := c.survey.doors.Service(s)
	if service < 0 {
		return
	}
	t := &c.totals[service]
	t.Sockets++
	switch {
	case c.all:
	case held:
		t.Held++
	default:
		t.HalfOpen++
	}
	c.sources.Add(service, s, c.all || held)
}

func (c *counter) result(top int) *Overview {
	out := &Overview{States: countStates(c.states), Services: c.totals}
	lists, rests, whole := c.sources.Sources(top)
	c.survey.complete = c.survey.complete && whole
	for i := range out.Services {
		s := &out.Services[i]
		s.Service = &c.survey.services[i]
		s.Sources = len(lists[i]) + rests[i].Sources
		for _, src := range lists[i] {
			s.Top = append(s.Top, c.source(src))
		}
		slices.SortStableFunc(s.Top, func(a, b SourceCount) int {
			return cmp.Or(cmp.Compare(b.Held, a.Held), cmp.Compare(b.Sockets, a.Sockets))
		})
	}
	return out
}

// source returns the count of one source. Where states were asked for, all were added as held.
func (c *counter) source(src policy.SourceCensus) SourceCount {
	if c.all {
		return SourceCount{Source: src.Source, Sockets: src.Held}
	}
	return SourceCount{src.Source, src.Held + src.HalfOpen, src.Held, src.HalfOpen}
}

// countStates lists the states that occur, most sockets first.
func countStates(counts [12]int) []StateCount {
	var out []StateCount
	for state, n := range counts {
		if n > 0 {
			out = append(out, StateCount{inetdiag.State(state), n})
		}
	}
	slices.SortStableFunc(out, func(a, b StateCount) int { return cmp.Compare(b.Sockets, a.Sockets) })
	return out
}
