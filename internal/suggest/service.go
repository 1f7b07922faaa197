package suggest

import (
	"slices"
	"time"

	"ebbgate/policy"
)

// service is what is kept of one service.
type service struct {
	policy policy.Service
	listed bool     // its ports are those of a policy
	ports  []uint16 // it was seen to listen on, where no policy lists them; sorted

	sources  table // connections held, by source
	prefixes table // likewise, by /24 and /48
	rates    table // completed connections a second, by source
	span     span  // of the censuses
	rate     rate

	censuses     int
	peakHeld     int
	lastHeld     int
	attacks      int  // censuses while an attack was open
	attacked     bool // one is open
	everAttacked bool
	underway     bool // one was open before the first observation
	rest         bool // sources were beyond what a census keeps
}

// span is the span of censuses that is under way.
type span struct {
	from     policy.Instant
	censuses int
	settled  int // spans before it
	longest  time.Duration
}

// rate adds up what ended until it is enough for a rate.
type rate struct {
	ended []level
	span  time.Duration
	spans int  // rates measured
	lower bool // endings were lost, or not listened to: rates are lower bounds
}

// port notes that the service listens on a port.
func (s *service) port(p uint16) {
	if at, known := slices.BinarySearch(s.ports, p); !known {
		s.ports = slices.Insert(s.ports, at, p)
	}
}

// census takes in what the ordinary sources held.
func (s *service) census(count *policy.ServiceCensus, now []level, o *policy.Observation, least time.Duration, bound int) {
	s.censuses++
	s.peakHeld, s.lastHeld = max(s.peakHeld, count.Held), count.Held
	s.rest = s.rest || count.Rest.Sources > 0
	if s.attacked {
		s.attacks++
	}
	sums := prefixes(now)
	s.sources.count(now, bound)
	s.prefixes.count(sums, bound)
	if s.span.censuses == 0 {
		s.span.from = o.At
	}
	s.span.censuses++
	if length := o.At.Sub(s.span.from); s.span.censuses >= spanCensuses && length >= least {
		s.settle(o.Wall, length, now, sums)
		s.span.from, s.span.censuses = o.At, 1
	}
}

func (s *service) settle(wall int64, length time.Duration, now, sums []level) {
	s.sources.settle(wall, now)
	s.prefixes.settle(wall, sums)
	s.span.settled++
	s.span.longest = max(s.span.longest, length)
}

// conclude ends the only span there was, if it is long enough to tell anything.
func (s *service) conclude(wall int64, at policy.Instant) {
	if s.span.settled == 0 && s.span.censuses >= spanCensuses {
		s.settle(wall, at.Sub(s.span.from), nil, nil)
		s.span.censuses = 0
	}
}

// restart gives up the spans under way, as the clock begins anew.
func (s *service) restart() {
	s.span.censuses = 0
	for _, t := range []*table{&s.sources, &s.prefixes} {
		t.through, t.begun = nil, false
	}
	s.rate.ended, s.rate.span = nil, 0
}

// endings takes in what ended. Rates are means over at least rateSpan.
func (s *service) endings(ended []level, e *policy.Endings, wall int64, bound int) {
	if e.Span <= 0 {
		return
	}
	r := &s.rate
	r.ended = heaviest(sum(r.ended, ended), 2*bound)
	r.span += e.Span
	r.lower = r.lower || e.Lost > 0 || e.Paused > 0
	if r.span < rateSpan {
		return
	}
	for i := range r.ended {
		r.ended[i].count = perSecond(r.ended[i].count, r.span)
	}
	s.rates.peaks(r.ended)
	s.rates.sustain(r.ended, wall)
	s.rates.trim(bound)
	r.ended, r.span = nil, 0
	r.spans++
}

// perSecond rounds up.
func perSecond(n int, span time.Duration) int {
	return int((int64(n)*int64(time.Second) + int64(span) - 1) / int64(span))
}

// portRanges returns the ports of the service.
func (s *service) portRanges() []policy.PortRange {
	if s.listed {
		return s.policy.Ports
	}
	return Ranges(s.ports)
}

// Ranges returns sorted ports as ranges, at most policy.MaxPortRanges; the others are left out.
func Ranges(ports []uint16) []policy.PortRange {
	var out []policy.PortRange
	for _, p := range ports {
		if n := len(out); n > 0 && out[n-1].Last+1 == p {
			out[n-1].Last = p
			continue
		}
		if len(out) == policy.MaxPortRanges {
			break
		}
		out = append(out, policy.PortRange{First: p, Last: p})
	}
	return out
}

// validName reports whether the policy file takes a name.
func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '_' || c == '-')) {
			return false
		}
	}
	return name != "" && len(name) <= policy.MaxServiceName
}
