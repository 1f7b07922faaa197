package survey

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// MaxCut is how many connections one plan cuts. Beyond it those idle longest are taken.
const MaxCut = 100000

// Closable are the states in which a connection can be cut with any sense: LISTEN would close the
// service itself, and what is in TIME_WAIT or CLOSE holds nothing.
const Closable = AllStates &^ (1<<inetdiag.Listen | 1<<inetdiag.TimeWait | 1<<inetdiag.Close)

// Target says which of the selected connections to cut. Without states in the selection these are
// the ones that hold a slot of their application.
type Target struct {
	Idle     time.Duration // without data either way for at least this long; 0: any
	Outgoing bool          // those the host opened, too
	Spare    Spare
	Top      int // how many sources and connections to show, at most MaxTop
}

// Plan is what would be cut. Every connection in it is named by its cookie, so that Cut cuts these
// and no others, however much time passes.
type Plan struct {
	Matched     int // would be cut, those beyond MaxCut included
	Waiting     int // of these, in an accept queue: their place is not freed
	States      []StateCount
	SourceTotal int
	Sources     []PlannedSource // the heaviest
	Connections []Connection    // idle longest
	Spared      []Spared        // would match, but are left alone

	candidates []candidate
}

// PlannedSource is one source of a plan, IPv6 by /64.
type PlannedSource struct {
	Source      netip.Prefix
	Connections int
	LongestIdle time.Duration
}

// Count returns how many connections Cut will close.
func (p *Plan) Count() int { return len(p.candidates) }

// candidate is what is kept of a connection to cut it.
type candidate struct {
	family uint8
	id     inetdiag.ID
	remote [16]byte
	idle   time.Duration
}

// Candidates finds what is to be cut, and cuts nothing.
func (s *Survey) Candidates(ctx context.Context, t Target) (*Plan, error) {
	out := &Plan{}
	keep := top[candidate]{keep: MaxCut}
	show := top[Connection]{keep: min(t.Top, MaxTop)}
	var states [12]int
	spared := newSparing(t.Spare)
	err := s.walk(ctx, Closable, true, func(k *inetdiag.Socket) {
		quiet := idle(k)
		if s.sel.States == 0 && !k.Holds() || quiet < t.Idle || !t.Outgoing && s.doors.Service(k) < 0 {
			return
		}
		c := newConnection(k, s.inbound(k))
		if spared.spares(&c) {
			return
		}
		out.Matched++
		states[c.State]++
		if !c.Accepted() {
			out.Waiting++
		}
		keep.add(uint64(quiet), candidate{k.Family, k.ID, k.RemoteAddr, quiet})
		show.add(uint64(quiet), c)
	})
	out.candidates, out.Connections, out.Spared = keep.list(), show.list(), spared.list()
	out.States = countStates(states)
	out.addSources(show.keep)
	return out, err
}

// addSources sums up the candidates by source.
func (p *Plan) addSources(limit int) {
	sources := make(map[netip.Prefix]PlannedSource)
	for i := range p.candidates {
		c := &p.candidates[i]
		src := policy.Group(netip.AddrFrom16(c.remote), policy.DefaultIPv6Source)
		sum := sources[src]
		sources[src] = PlannedSource{src, sum.Connections + 1, max(sum.LongestIdle, c.idle)}
	}
	p.SourceTotal = len(sources)
	for _, sum := range sources {
		p.Sources = append(p.Sources, sum)
	}
	slices.SortFunc(p.Sources, func(a, b PlannedSource) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), policy.ComparePrefix(a.Source, b.Source))
	})
	p.Sources = p.Sources[:min(limit, len(p.Sources))]
}
