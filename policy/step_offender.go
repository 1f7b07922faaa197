package policy

// exemptCount notes an exempt source. It is never answered, but the operator should know if it is the
// one that fills his service.
func (j *sourceJudge) exemptCount(now *SourceCensus, allowed allowance) {
	if now == nil || now.Held <= j.worst.Held || allowed.held == 0 || now.Held < allowed.held {
		return
	}
	j.worst = *now
	j.worstLimit = Reason{Rule: allowed.rule, Measured: now.Held, Threshold: allowed.held, At: j.st.o.Census.From}
}

// offender reports an exempt source that holds more than its limit would be and more than anybody else:
// once, and again when it is another or after a quiet time.
func (st *serviceStep) offender(worst SourceCensus, why Reason) {
	was := st.state.Exempt
	if st.census == nil {
		return
	}
	if worst.Held == 0 || st.heavier(worst) {
		if was.Hold.raised() && was.Hold.judge(st.o.Census.From, 0, 1, st.service.Response.Quiet) != "" {
			was = OffenderState{}
		}
		st.state.Exempt = was
		return
	}
	now := was
	if now.Source != worst.Source {
		now = OffenderState{Source: worst.Source}
	}
	now.Hold.judge(why.At, why.Measured, why.Threshold, st.service.Response.Quiet)
	if now.Source != was.Source {
		st.report(Event{Kind: ExemptOffender, Source: worst.Source, Count: 1, Reason: why,
			Why: "it is exempt, so nothing is done about it"})
	}
	st.state.Exempt = now
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
