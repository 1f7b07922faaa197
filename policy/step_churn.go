package policy

// fastCounts is how many counts in a row must find a source over its rate, with a census between two of
// them. One alone may be a server that was started anew and lost everything at once, and only a census
// tells a client that opens and closes from one whose connections of long ago end: it then holds less.
// Of a source that was refused for it and begins anew, one count is enough, if a census was between.
const fastCounts = 2

// endings judges how many connections a second each source opened, by what ended of them: the kernel
// tells of every connection that ends, and nobody can forge one in another's name (P5).
func (st *serviceStep) endings() {
	st.credit()
	e := &st.o.Endings
	if !e.Taken || e.From.Add(e.Span) <= st.prev.Endings || e.Span <= 0 {
		return
	}
	var ended []SourceEndings
	whole := false // a source that is absent had nothing that ended
	for i := range e.Services {
		if s := &e.Services[i]; s.Service == st.service.Name {
			ended, whole = inOrder(s.Sources, ofEnding), s.Rest.Sources == 0 && e.Lost == 0 && e.Paused == 0
		}
	}
	// What ends faster than anything is opened is a server that stops, not a client that churns; and what
	// the host has fewer of in all was opened long ago.
	opened, lost := unlimited, 0
	if prev := st.prev.Opened; prev != 0 && st.o.Counters.Valid {
		opened = int(rose(prev, st.o.Counters.PassiveOpens))
		lost = int(rose(st.o.Counters.CurrEstab, st.prev.Estab))
	}
	j := churnJudge{st: st, allow: st.allowances(), exempt: sortedNest(st.exempt), blocked: st.blocks.walk(st.o.At), opened: opened, lost: lost, whole: whole}
	old := st.state.Sources
	st.state.Sources = make([]SourceState, 0, len(old))
	align(old, ended, ofSource, ofEnding, j.source)
}

// credit notes what we closed ourselves, so that it is not taken for the source's doing when it ends.
func (st *serviceStep) credit() {
	var cuts []Cut
	for _, c := range st.o.Closed {
		if c.Service == st.service.Name {
			cuts = append(cuts, c)
		}
	}
	if len(cuts) == 0 {
		return
	}
	old, exempt, allow := st.state.Sources, sortedNest(st.exempt), st.allowances()
	st.state.Sources = make([]SourceState, 0, len(old)+len(cuts))
	align(old, inOrder(cuts, ofCut), ofSource, ofCut, func(src *SourceState, c *Cut) {
		s := SourceState{}
		switch {
		case src != nil:
			s = *src
		case len(st.state.Sources) >= st.policy.Observe.MaxSources || exempt.covers(c.Source):
			return
		default:
			s.Source = c.Source
			allow.of(s.Source)
		}
		if c != nil {
			s.Cut, s.CutAt = s.Cut+c.Count, st.o.At
		}
		st.state.Sources = append(st.state.Sources, s)
	})
}

// churnJudge judges how fast the sources of one service open connections.
type churnJudge struct {
	st      *serviceStep
	allow   allowances
	exempt  nest
	blocked blockWalk
	opened  int // connections the host accepted in that time, from everybody
	lost    int // by how many it has fewer after that time
	whole   bool
	src     SourceState // the one being judged: here, so that it need not be allocated for each
}

func (j *churnJudge) source(old *SourceState, now *SourceEndings) {
	st, src := j.st, &j.src
	if old != nil {
		*src = *old
	} else {
		*src = SourceState{Source: now.Source}
	}
	allowed := j.allow.of(src.Source)
	if j.exempt.covers(src.Source) || j.blocked.covers(src.Source, allowed.override) {
		if old != nil {
			st.state.Sources = append(st.state.Sources, *src)
		}
		return
	}
	if now != nil || j.whole {
		n := 0
		if now != nil {
			n = now.Ended
		}
		j.judge(src, n, allowed)
	}
	if old != nil || src.Fast > 0 || src.limited() {
		st.state.Sources = append(st.state.Sources, *src)
	}
}

// judge takes one count of what ended of a source over.
func (j *churnJudge) judge(src *SourceState, ended int, allowed allowance) {
	st, e := j.st, &j.st.o.Endings
	cut := min(src.Cut, ended)
	src.Cut -= cut
	cut = max(cut, j.lost)
	// What it holds less than before was opened long ago, whoever closed it.
	seen := src.SeenAt > st.prev.Endings
	if seen {
		cut = max(cut, src.Before-src.Held)
	}
	src.Before = src.Held
	n := min(max(0, ended-cut), j.opened)
	rate := int(float64(n) / max(e.Span-e.Paused, e.Span/100).Seconds())
	over := allowed.fresh > 0 && rate >= allowed.fresh && n >= minEvidence
	was := src.Churn.raised()
	switch {
	case !over:
		src.Fast = 0
	case was && seen:
		src.Fast, src.Rate = fastCounts, rate // it has shown before that it churns
	case src.Fast == 0 || seen || !st.o.Census.Complete && st.next.Census > st.prev.Endings:
		src.Fast, src.Rate = min(src.Fast+1, fastCounts), rate
	}
	switch {
	case was && allowed.fresh == 0:
		st.calm(src, Churn, &src.Churn, "the policy sets no limit any more")
	case was && st.next.Endings.Sub(src.Churn.OverAt) < st.service.Response.Lease+e.Span:
		// It is refused: that it opens nothing is no sign of calm, and what ends was opened before. In shadow
		// mode it would be.
	case over && src.Fast < fastCounts:
		// Not yet evidence, nor is it calm.
	case was, over:
		at := st.next.Endings
		ended := src.Churn.judge(at, rate, allowed.fresh, st.service.Response.Quiet)
		if ended != "" {
			st.calm(src, Churn, &src.Churn, ended)
		} else if !was {
			st.raise(src, Churn, &src.Churn, Reason{allowed.freshBy, rate, allowed.fresh, at})
		}
	}
}
