package policy

// fastCounts is how many counts in a row must find a source over its rate. One alone may be a server
// that was started anew and lost everything at once.
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
			ended, whole = inOrder(s.Sources, ofEnding), s.Rest.Sources == 0
		}
	}
	// What ends faster than anything is opened is a server that stops, not a client that churns.
	opened := unlimited
	if prev := st.prev.Opened; prev != 0 && st.o.Counters.Valid {
		opened = int(rose(prev, st.o.Counters.PassiveOpens))
	}
	j := churnJudge{st: st, allow: st.allowances(), exempt: newNest(st.exempt), blocked: st.blocks.walk(st.o.At), opened: opened, whole: whole}
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
	align(st.state.Sources, inOrder(cuts, ofCut), ofSource, ofCut, func(src *SourceState, c *Cut) {
		if src != nil && c != nil {
			src.Cut += c.Count
		}
	})
}

// churnJudge judges how fast the sources of one service open connections.
type churnJudge struct {
	st      *serviceStep
	allow   allowances
	exempt  nest
	blocked blockWalk
	opened  int // connections the host accepted in that time, from everybody
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
	if j.exempt.covers(src.Source) || j.blocked.covers(src.Source) {
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
		j.judge(src, n, j.allow.of(src.Source))
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
	n := min(ended-cut, j.opened)
	rate := int(float64(n) / e.Span.Seconds())
	over := allowed.fresh > 0 && rate >= allowed.fresh && n >= minEvidence
	if over {
		src.Fast, src.Rate = min(src.Fast+1, fastCounts), rate
	} else {
		src.Fast = 0
	}
	was := src.Churn.raised()
	switch {
	case was && allowed.fresh == 0:
		st.calm(src, Churn, &src.Churn, "the policy sets no limit any more")
	case was && !over && st.next.Endings.Sub(src.Churn.OverAt) < st.service.Response.Lease+e.Span:
		// It is refused: that it opens nothing is no sign of calm.
	case was, over && src.Fast >= fastCounts:
		at := st.next.Endings
		ended := src.Churn.judge(at, rate, allowed.fresh, st.service.Response.Quiet)
		if ended != "" {
			st.calm(src, Churn, &src.Churn, ended)
		} else if !was {
			st.raise(src, Churn, &src.Churn, Reason{allowed.freshBy, rate, allowed.fresh, at})
		}
	}
}
