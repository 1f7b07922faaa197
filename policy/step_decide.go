package policy

import "slices"

// decide adds what should hold for the service from now on.
func (st *serviceStep) decide() {
	st.out.Attacks = append(st.out.Attacks, st.state.Attacks...)
	st.out.Limits = slices.Grow(st.out.Limits, st.limited)
	first, firstWatched := len(st.out.Limits), len(st.out.Watched)
	counted := st.open(ConnectionFlood) != nil && st.out.Untracked == "" // no other kind is worth conntrack
	for i := range st.state.Sources {
		if src := &st.state.Sources[i]; src.limited() {
			st.decideLimit(src)
		} else if counted {
			st.decideWatched(src)
		}
	}
	for i := range st.state.Prefixes {
		st.decidePrefix(&st.state.Prefixes[i])
	}
	inPlace(st.out.Limits[first:], func(a, b Limit) int { return ComparePrefix(a.Source, b.Source) })
	inPlace(st.out.Watched[firstWatched:], func(a, b Watched) int { return ComparePrefix(a.Source, b.Source) })
	st.decideBlocks()
	st.decideDrops()
	st.decideProxy()
	if sh := &st.state.Share; sh.Relief > 0 && sh.At.Add(st.service.Response.Lease) > st.o.At {
		st.out.Reliefs = append(st.out.Reliefs, Relief{Service: st.service.Name, Mode: st.service.Mode, Held: sh.Held, Counted: sh.At, Max: sh.Relief,
			Reason: st.shareReason()})
	}
}

// inPlace sorts a list that is nearly always sorted already.
func inPlace[T any](list []T, order func(a, b T) int) {
	if !slices.IsSortedFunc(list, order) {
		slices.SortFunc(list, order)
	}
}

// decideLimit adds the limit of one source. A lease that ran out without fresh evidence is left out:
// the kernel has dropped it too. Where several limits apply the least one does.
func (st *serviceStep) decideLimit(src *SourceState) {
	svc := st.service
	a := st.allowed(src.Source)
	l := Limit{Service: svc.Name, Source: src.target(), Mode: svc.Mode, Held: src.Held, Counted: src.SeenAt,
		Exact: st.out.Untracked == "" && src.Hold.raised() && !a.override && !src.Single.IsValid()}
	until := src.SeenAt.Add(svc.Response.Lease)
	if src.Hold.raised() && until > st.o.At {
		l.Max, l.Since, l.Until, l.Reason = a.held, src.Hold.Since, until, st.holdReason(src)
	}
	if src.Share > 0 && until > st.o.At && (l.Until == 0 || src.Share < l.Max) {
		sh := &st.state.Share
		l.Max, l.Since, l.Until = src.Share, sh.Press.Since, until
		l.Reason = st.shareReason()
	}
	if l.Until != 0 {
		l.Refuse = src.Held >= l.Max
		l.Close = src.Held > l.Max && svc.closes()
	}
	if until := src.Churn.OverAt.Add(svc.Response.Lease); src.Churn.raised() && until > st.o.At {
		if l.Until == 0 {
			l.Source, l.Since, l.Max, l.Reason = src.Source, src.Churn.Since, a.held, st.churnReason(src)
		}
		if !l.Refuse {
			l.Reason = st.churnReason(src)
		}
		l.Refuse, l.Until = true, max(l.Until, until)
	}
	if l.Until != 0 {
		st.out.Limits = append(st.out.Limits, l)
	}
}

// closes reports whether what is held beyond a limit is closed.
func (s *Service) closes() bool { return s.Connections.CloseExcess }

// decideWatched has the kernel count a source that is near the service's own limit.
func (st *serviceStep) decideWatched(src *SourceState) {
	until := src.SeenAt.Add(st.service.Response.Lease)
	if a := st.allowed(src.Source); a.held == 0 || a.override || until <= st.o.At {
		return
	}
	st.out.Watched = append(st.out.Watched, Watched{Service: st.service.Name, Source: src.Source, Mode: st.service.Mode, Until: until})
}

// decidePrefix adds the limit of one prefix.
func (st *serviceStep) decidePrefix(p *PrefixState) {
	until := p.SeenAt.Add(st.service.Response.Lease)
	if until <= st.o.At || !p.Hold.raised() && p.Share == 0 {
		return
	}
	l := Limit{Service: st.service.Name, Source: p.Prefix, Mode: st.service.Mode, Held: p.Held, Counted: p.SeenAt, Until: until}
	if p.Hold.raised() {
		l.Max, _ = st.service.prefixLimit(p.Prefix)
		l.Since, l.Reason = p.Hold.Since, st.prefixReason(p)
	}
	if p.Share > 0 && (l.Max == 0 || p.Share < l.Max) {
		l.Max, l.Since = p.Share, st.state.Share.Press.Since
		l.Reason = st.shareReason()
	}
	l.Refuse, l.Close = p.Held >= l.Max, p.Held > l.Max && st.service.closes()
	st.out.Limits = append(st.out.Limits, l)
}
