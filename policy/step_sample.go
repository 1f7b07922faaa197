package policy

import "time"

// Telling SYN floods apart takes seconds, and a flood may last for hours. All that time SYN cookies carry it
// without help, while a meter costs each of its SYNs the more the more random their sources are. So once a
// flood is recognised its meters rest most of the time.
const (
	// restFor is how long meters rest at most. A flood that changes is seen that much later.
	restFor = 12 * time.Second
	// leastRest is the least that is worth the changes of the table.
	leastRest = 3 * time.Second
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
	if rest := s.resting(p); rest >= leastRest && s.recognised(s.Sampling) {
		s.Sampling, s.Rest = 0, at.Add(rest)
		return true
	}
	return false
}

// resting is how long meters rest under the policy. Where SYN cookies that nobody answers do not tell that the
// flood goes on, it must be seen again well before it would pass for quiet.
func (s *State) resting(p *Policy) time.Duration {
	rest := restFor
	if s.Unanswered >= floodRate {
		return rest
	}
	for i := range p.Services {
		rest = min(rest, p.Services[i].Response.Quiet/2)
	}
	return rest
}

// goesOn notes that a flood that was recognised lasts, while the meters rest: SYN cookies that nobody
// answers tell that there is one, if not of which kind.
func (st *serviceStep) goesOn(f *Offence) {
	if f.raised() && st.prev.Rest > st.o.At && st.prev.Unanswered >= floodRate {
		f.OverAt = st.o.At
	}
}

// metered reports whether something depends on the meters: SYNs that are dropped, or may be soon as there are
// half as many as that takes and some are of few addresses, or as nothing else would tell how many there are, without SYN cookies and of
// what is forwarded; or a proxy, which leaves no other trace of the flood.
func (s *State) metered(p *Policy) bool {
	rate, few, drops := 0, false, false
	for i := range s.Services {
		sv := &s.Services[i]
		if sv.SYNs.Dropping || sv.Proxy.Since != 0 {
			return true
		}
		rate += sv.SYNs.Rate
		few = few || sv.SYNs.Few.raised()
	}
	for i := range p.Services {
		if p.Services[i].Rate.SYNPerSource > 0 {
			if drops = true; s.Counters.SynCookies == 0 || p.Services[i].Traffic.Onward() {
				return true
			}
		}
	}
	return drops && few && max(rate, s.Unanswered) >= p.Observe.SYNPressure/2
}

// recognised reports whether a SYN flood of either kind is, by evidence that is newer than that.
func (s *State) recognised(than Instant) bool {
	newer := func(f *Offence) bool { return f.raised() && f.OverAt > than }
	for i := range s.Services {
		if sv := &s.Services[i]; newer(&sv.SYNs.Few) || newer(&sv.SYNs.Many) {
			return true
		}
	}
	return false
}

// signFresh is how long ago the last sign of a flood may be for it to go on.
const signFresh = 5 * time.Second

// ceased reports whether a flood that was recognised has ended, and nothing speaks for another one.
func (s *State) ceased(prev *State, at Instant) bool {
	return prev.recognised(0) && !s.recognised(0) && at.Sub(s.SYNFlood) > signFresh
}
