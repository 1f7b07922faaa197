package policy

import "net/netip"

// limited reports whether the source is limited for whatever reason.
func (s *SourceState) limited() bool { return s.Hold.raised() || s.Churn.raised() || s.Share > 0 }

// target is what answers to the source apply to: the source, or the single address that alone explains
// its count.
func (s *SourceState) target() netip.Prefix {
	if s.Single.IsValid() {
		return netip.PrefixFrom(s.Single, 128)
	}
	return s.Source
}

// sources walks the remembered and the counted sources together and judges what they hold.
func (st *serviceStep) sources(old []SourceState) {
	for i := range old {
		if old[i].limited() {
			st.limited++
		}
	}
	var now []SourceCensus
	if st.census != nil {
		now = st.census.Sources
		st.counts = make([]counted, 0, len(now))
	}
	if len(old) == 0 && st.census == nil {
		return
	}
	st.state.Sources = make([]SourceState, 0, len(old))
	j := sourceJudge{st: st, allow: st.allowances(), exempt: sortedNest(st.exempt), blocked: st.blocks.walk(st.o.At)}
	align(old, now, ofSource, ofCensus, j.source)
	st.offender(j.worst, j.worstLimit)
}

// sourceJudge judges the sources of one service in their order.
type sourceJudge struct {
	st      *serviceStep
	allow   allowances
	exempt  nest
	blocked blockWalk

	src SourceState // the one being judged: here, so that it need not be allocated for each

	worst      SourceCensus // of the exempt ones, the one that holds most
	worstLimit Reason       // against the limit others have
}

// source judges one source and keeps it if it may matter. Of a remembered one that was not counted in
// this observation only the policy can say that it is to be freed.
func (j *sourceJudge) source(old *SourceState, now *SourceCensus) {
	st, src := j.st, &j.src
	if old != nil {
		*src = *old
	} else {
		*src = SourceState{Source: now.Source}
	}
	allowed := j.allow.of(src.Source)
	count := counted{source: src.Source, shared: !allowed.override}
	switch {
	case j.exempt.covers(src.Source):
		st.free(src, "exempt")
		j.exemptCount(now, allowed)
		count.exempt = true
	case src.Source.Addr().Is6() && src.Source.Bits() < 128 && src.Source.Bits() != st.policy.Observe.IPv6Source:
		st.free(src, "the policy groups IPv6 sources differently")
	case j.blocked.covers(src.Source, allowed.override):
		st.free(src, "blocked")
		if now != nil {
			j.blocked.held(st.o.Census.From, now.Held)
		}
	default:
		if src.Single.IsValid() && Covers(st.exempt, src.target()) {
			st.free(src, "exempt")
			src.Single = netip.Addr{}
		}
		if now != nil {
			count.held = now.Held - max(j.blocked.within(st.o.Census.From, now), st.exemptWithin(now))
		}
		st.count(src, now, count.held, allowed)
		if allowed.held > 0 {
			// What a single address holds beyond the limit is its own; what its neighbours hold is not.
			others := max(0, count.held-src.Held)
			if !src.Single.IsValid() {
				others = 0
			}
			count.held = min(count.held-others, allowed.held) + others
		}
		if src.limited() || src.Fast > 0 || src.Cut > 0 || src.Held > 0 && (old != nil || src.Held*2 >= allowed.held && allowed.held > 0) {
			st.state.Sources = append(st.state.Sources, *src)
		}
	}
	if now != nil {
		st.counts = append(st.counts, count)
	}
}

// exemptWithin returns how many of a source's connections belong to a single address that is exempt.
func (st *serviceStep) exemptWithin(now *SourceCensus) int {
	if now.Single.IsValid() && Covers(st.exempt, netip.PrefixFrom(now.Single, now.Single.BitLen())) {
		return now.SingleHeld
	}
	return 0
}

// count judges what a source holds by this observation's census.
func (st *serviceStep) count(src *SourceState, now *SourceCensus, held int, allowed allowance) {
	was := src.Hold
	switch {
	case allowed.held == 0 && was.raised():
		st.calm(src, ConnectionFlood, &src.Hold, "the policy sets no limit any more")
	case was.raised() && was.Peak < allowed.held:
		st.calm(src, ConnectionFlood, &src.Hold, "the policy allows more now than it ever held")
	}
	if now == nil && !st.whole {
		return
	}
	src.Held, src.SeenAt = held, st.o.Census.From
	if allowed.held == 0 {
		return
	}
	st.narrow(src, now, allowed.held)
	ended := src.Hold.judge(src.SeenAt, src.Held, allowed.held, st.service.Response.Quiet)
	switch {
	case ended != "":
		st.calm(src, ConnectionFlood, &src.Hold, ended)
	case src.Hold.raised() && !was.raised():
		st.raise(src, ConnectionFlood, &src.Hold, Reason{allowed.rule, src.Held, allowed.held, src.SeenAt})
	}
	if src.Hold.raised() {
		st.answer(ConnectionFlood).excess += src.Hold.excess(was, allowed.held)
	}
}

// narrow makes the single address of an IPv6 source that explains its count the target of answers, so
// that those who share its prefix are left alone. Where it does not, or is not the one that did, the
// whole source is the target for as long as the offence lasts; so it is where a single address was
// blocked already: whoever owns the prefix has moved on to the next.
func (st *serviceStep) narrow(src *SourceState, now *SourceCensus, limit int) {
	if now == nil || src.Held < limit {
		return
	}
	alone := now.Single.IsValid() && src.Held == now.Held && now.Held-now.SingleHeld < limit && now.SingleHeld >= limit && src.Source.Bits() < 128
	switch {
	case alone && (!src.Hold.raised() && !st.blocks.anyWithin(src.Source, now.Single) || src.Single == now.Single):
		src.Single, src.Held = now.Single, now.SingleHeld
	default:
		src.Single = netip.Addr{}
	}
}

// raise counts a source that has come to be limited, and reports it. Where there is no room for it the
// offence is forgotten instead: it fails open, and says so.
func (st *serviceStep) raise(src *SourceState, kind Kind, f *Offence, why Reason) {
	others := *src
	if kind == ConnectionFlood {
		others.Hold = Offence{}
	} else {
		others.Churn = Offence{}
	}
	if !others.limited() {
		if st.limited >= st.policy.Observe.MaxSources {
			*f = Offence{}
			st.full++
			return
		}
		st.limited++
	}
	a := st.answer(kind)
	a.raises = append(a.raises, Event{Kind: LimitRaised, Source: src.target(), Count: 1, Reason: why})
}

// calm ends one offence of a source and reports it.
func (st *serviceStep) calm(src *SourceState, kind Kind, f *Offence, why string) {
	*f = Offence{}
	a := st.answer(kind)
	a.drops = append(a.drops, Event{Kind: LimitDropped, Source: src.target(), Count: 1, Why: why})
	if !src.limited() {
		st.limited--
		src.Single = netip.Addr{}
	}
}

// free ends every offence of a source.
func (st *serviceStep) free(src *SourceState, why string) {
	src.Fast = 0
	if src.Hold.raised() {
		st.calm(src, ConnectionFlood, &src.Hold, why)
	}
	if src.Churn.raised() {
		st.calm(src, Churn, &src.Churn, why)
	}
	if src.Share > 0 {
		src.Share = 0
		st.limited--
	}
}
