package policy

// minEvidence is the least number of connections that is evidence against a source. Guessing a
// SYN cookie blindly completes a forged handshake once in 2^29 tries, so one or two connections
// can be somebody else's doing (P5). The policy takes no lower limit.
const minEvidence = MinPerSource

// underFactor times the quiet time below the limit, though not below the clear level, ends a
// limit too: a busy office that stays at two thirds of its limit is no attacker for ever.
const underFactor = 10

// count judges a source by a census that knows what it held. It returns why a raised limit is to
// be dropped, or nothing.
//
// A limit is raised at the threshold. It ends after the quiet time below the clear level, which
// is half of it, or after underFactor times the quiet time below the threshold.
func (s *SourceState) count(svc *Service, at Instant, held int) (dropped string) {
	limit := svc.Connections.PerSource
	s.Held, s.SeenAt = held, at
	if held >= limit && held >= minEvidence {
		if !s.Raised {
			s.Raised, s.Since = true, at
		}
		s.Peak = max(s.Peak, held)
		s.OverAt, s.UnderSince, s.ClearSince = at, 0, 0
		return ""
	}
	if !s.Raised {
		return ""
	}
	s.UnderSince = since(s.UnderSince, at, held < limit)
	s.ClearSince = since(s.ClearSince, at, held*2 < limit)
	quiet := svc.Response.Quiet
	switch {
	case s.ClearSince != 0 && at.Sub(s.ClearSince) >= quiet:
		return "below half of its limit for " + quiet.String()
	case s.UnderSince != 0 && at.Sub(s.UnderSince) >= quiet*underFactor:
		return "below its limit for " + (quiet * underFactor).String()
	}
	return ""
}

// since keeps the start of an unbroken time in which a condition held.
func since(start, at Instant, holds bool) Instant {
	switch {
	case !holds:
		return 0
	case start == 0:
		return at
	}
	return start
}

// reason is the evidence for a raised limit: the newest count at or over the threshold, or the
// peak while the source is quieter.
func (s *SourceState) reason(svc *Service) Reason {
	r := Reason{Rule: "connections.per_source", Measured: s.Peak, Threshold: svc.Connections.PerSource, At: s.OverAt}
	if s.Held >= r.Threshold {
		r.Measured = s.Held
	}
	return r
}
