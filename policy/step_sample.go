package policy

import "time"

// Telling SYN floods apart takes seconds, and a flood may last for hours. All that time SYN cookies carry it
// without help, while a meter costs each of its SYNs the more the more random their sources are. So once a
// flood is recognised its meters rest most of the time.
const (
	// sampleFor is how long meters run before they rest: readings come once a second, and it takes two.
	sampleFor = 4 * time.Second
	// restFor is how long they rest at most. A flood that changes is seen that much later.
	restFor = 12 * time.Second
)

// rests says whether the SYN meters rest in the next turn.
func (s *State) rests(p *Policy, prev *State, at Instant) bool {
	switch {
	case p.Observe.Meters == Always || !held(s.SYNFlood, at) || s.metered(p):
		s.Sampling, s.Rest = 0, 0
		return false
	case prev.Rest > at:
		s.Rest = prev.Rest
		return true
	}
	if s.Sampling = prev.Sampling; s.Sampling == 0 {
		s.Sampling = at
	}
	if rest := resting(p); rest >= sampleFor && at.Sub(s.Sampling) >= sampleFor && s.recognised() {
		s.Sampling, s.Rest = 0, at.Add(rest)
		return true
	}
	return false
}

// resting is how long meters rest under the policy. A flood must be seen again well before it would pass for
// quiet.
func resting(p *Policy) time.Duration {
	rest := restFor
	for i := range p.Services {
		rest = min(rest, p.Services[i].Response.Quiet/2)
	}
	return rest
}

// metered reports whether something depends on the meters: SYNs that are dropped, or may be soon as there are
// half as many as that takes; or a proxy, which leaves no other trace of the flood.
func (s *State) metered(p *Policy) bool {
	rate, drops := 0, false
	for i := range s.Services {
		sv := &s.Services[i]
		if sv.SYNs.Dropping || sv.Proxy.Since != 0 {
			return true
		}
		rate += sv.SYNs.Rate
	}
	for i := range p.Services {
		drops = drops || p.Services[i].Rate.SYNPerSource > 0
	}
	return drops && max(rate, s.Unanswered) >= p.Observe.SYNPressure/2
}

// recognised reports whether a SYN flood of either kind is.
func (s *State) recognised() bool {
	for i := range s.Services {
		if sv := &s.Services[i]; sv.SYNs.Few.raised() || sv.SYNs.Many.raised() {
			return true
		}
	}
	return false
}
