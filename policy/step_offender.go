package policy

// exemptCount notes an exempt source. It is never answered, but the operator should know if it is the
// one that fills his service.
func (j *sourceJudge) exemptCount(now *SourceCensus, allowed allowance) {
	if now == nil || now.Held <= j.worst.Held || allowed.held == 0 || now.Held <= allowed.held {
		return
	}
	j.worst = *now
	j.worstLimit = Reason{Rule: allowed.rule, Measured: now.Held, Threshold: allowed.held, At: j.st.o.Census.From}
}

// offender reports an exempt source that holds more than its limit would be and more than anybody else:
// once, until there was none for a quiet time, whichever it is meanwhile.
func (st *serviceStep) offender(worst SourceCensus, why Reason) {
	now := st.state.Exempt
	switch {
	case st.census == nil:
	case worst.Held > 0 && !st.heavier(worst):
		if !now.Hold.raised() {
			st.report(Event{Kind: ExemptOffender, Source: worst.Source, Count: 1, Reason: why, Why: "it is exempt, so nothing is done about it"})
		}
		now.Source, now.Reason = worst.Source, why
		now.Hold.judge(why.At, why.Measured, why.Threshold, st.service.Response.Quiet)
	case now.Hold.raised() && now.Hold.judge(st.o.Census.From, 0, 1, st.service.Response.Quiet) != "":
		now = OffenderState{}
	}
	st.state.Exempt = now
	if now.Hold.raised() && now.Hold.ClearSince == 0 {
		st.out.Offenders = append(st.out.Offenders, Offender{Service: st.service.Name, Source: now.Source, Since: now.Hold.Since, Reason: now.Reason})
	}
}

// heavier reports whether a source that is not exempt holds more than an exempt one.
func (st *serviceStep) heavier(than SourceCensus) bool {
	for i := range st.counts {
		if c := &st.census.Sources[i]; c.Held > than.Held && st.counts[i].held > 0 {
			return true
		}
	}
	return false
}
