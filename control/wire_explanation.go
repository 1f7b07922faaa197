package control

import "ebbgate/policy"

// ExplanationOf returns the wire form of an explanation.
func ExplanationOf(e *policy.Explanation, c Calendar) *Explanation {
	out := &Explanation{At: TimeOf(c.Wall), Address: e.Addr, Exempt: notNil(e.Exempt), Services: make([]ServiceExplanation, 0, len(e.Services))}
	for i := range e.Services {
		out.Services = append(out.Services, serviceExplanation(&e.Services[i], c))
	}
	return out
}

func serviceExplanation(s *policy.ServiceExplanation, c Calendar) ServiceExplanation {
	out := ServiceExplanation{
		Service: s.Service, Mode: s.Mode, Exempt: notNil(s.Exempt), Partly: s.Partly, Source: s.Source,
		Known: s.Known, Held: s.Held, Counted: c.Time(s.Counted), Max: s.Max, MaxRule: s.Rule, Due: s.Due,
		MaxRate: s.MaxRate, RateRule: s.RateRule,
		SYNsOver: s.SYNsOver, Proven: s.Proven, Dropped: s.Dropped, Watched: s.Watched,
		Prefixes: make([]PrefixExplanation, 0, len(s.Prefixes)), Limits: make([]Limit, 0, len(s.Limits)),
		Blocks: make([]Block, 0, len(s.Blocks)), Strikes: s.Strikes, Forgiven: c.Time(s.Forgiven),
		NextFor: Duration(s.NextFor), Next: notNil(s.Next),
	}
	if s.RateKnown {
		rate := Rate(s.Rate)
		out.PerS = &rate
	}
	for _, p := range s.Prefixes {
		out.Prefixes = append(out.Prefixes, PrefixExplanation(p))
	}
	for i := range s.Limits {
		out.Limits = append(out.Limits, LimitOf(&s.Limits[i], c))
	}
	for i := range s.Blocks {
		out.Blocks = append(out.Blocks, BlockOf(&s.Blocks[i], c))
	}
	return out
}
