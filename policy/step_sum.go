package policy

import "net/netip"

// sumUp counts, by the kind of attack, the sources that are answered after this step, and finds the
// evidence against the heaviest.
func (st *serviceStep) sumUp() {
	hold, churn, share := st.answer(ConnectionFlood), st.answer(Churn), st.answer(DistributedFlood)
	for i := range st.state.Sources {
		src := &st.state.Sources[i]
		if src.Hold.raised() {
			hold.counts(st.holdReason(src))
			hold.measure += src.Held
		}
		if src.Churn.raised() {
			churn.counts(st.churnReason(src))
			churn.rate = max(churn.rate, src.Rate)
			churn.measure += src.Rate
		}
		if src.Share > 0 {
			share.sources++
			share.measure += src.Held
		}
	}
	for i := range st.state.Prefixes {
		p := &st.state.Prefixes[i]
		if p.Hold.raised() {
			hold.counts(st.prefixReason(p))
			hold.measure += p.Held
		}
		if p.Share > 0 {
			share.sources++
		}
	}
	// An attack whose sources are all blocked is over when nobody takes their place for a quiet time.
	for _, n := range st.newestBlocks() {
		if st.o.At.Sub(n.since) < st.service.Response.Quiet {
			st.answer(n.cause).present = true
		}
	}
	if sh := &st.state.Share; sh.Press.raised() {
		share.present = true
		share.evidence = st.shareReason()
	}
}

// counts adds a source that is answered.
func (a *answered) counts(r Reason) {
	a.sources++
	a.present = true
	if r.Measured > a.evidence.Measured {
		a.evidence = r
	}
}

// holdReason is the evidence for the limit of a source: the newest count at or over the threshold, or
// the peak while the source is quieter.
func (st *serviceStep) holdReason(src *SourceState) Reason {
	a := st.allowed(src.Source)
	return newest(Reason{Rule: a.rule, Measured: src.Hold.Peak, Threshold: a.held, At: src.Hold.OverAt}, src.Held)
}

func (st *serviceStep) prefixReason(p *PrefixState) Reason {
	limit, _ := st.service.prefixLimit(p.Prefix)
	return newest(Reason{Rule: rulePerPrefix, Measured: p.Hold.Peak, Threshold: limit, At: p.Hold.OverAt}, p.Held)
}

func (st *serviceStep) churnReason(src *SourceState) Reason {
	a := st.allowed(src.Source)
	return newest(Reason{Rule: a.freshBy, Measured: src.Churn.Peak, Threshold: a.fresh, At: src.Churn.OverAt}, src.Rate)
}

// shareReason is why the capacity of the service is shared: what all sources hold, and what they may.
func (st *serviceStep) shareReason() Reason {
	sh := &st.state.Share
	return Reason{Rule: ruleCapacity, Measured: sh.Held - sh.Exempt, Threshold: sh.Target, At: sh.At}
}

func newest(r Reason, now int) Reason {
	if now >= r.Threshold {
		r.Measured = now
	}
	return r
}

// allowed returns what a source of this step may do.
func (st *serviceStep) allowed(source netip.Prefix) allowance {
	if i, ok := st.overridden[source]; ok {
		return st.service.allow(i)
	}
	return st.service.allow(-1)
}

// allowances begins a walk along sources that remembers their overrides for the whole step.
func (st *serviceStep) allowances() allowances {
	a := newAllowances(st.service)
	a.found = st.overridden
	return a
}
