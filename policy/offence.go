package policy

import "time"

// minEvidence is the least number of connections that is evidence against a source. Guessing a
// SYN cookie blindly completes a forged handshake once in 2^29 tries, so one or two connections
// can be somebody else's doing (P5). The policy takes no lower limit.
const minEvidence = MinPerSource

// underFactor times the quiet time below the limit, though not below the clear level, ends a
// limit too: a busy office that stays at two thirds of its limit is no attacker for ever.
const underFactor = 10

// dip is how long a measure may lie below its threshold and still count as having stayed there: what
// closes connections closes a few too many now and then.
const dip = 2 * time.Second

// unseen is how long nothing may be known of a measure that is taken to have stayed where it was.
const unseen = 10 * time.Second

// Offence is what is remembered about a measure that reached its threshold: since when, how badly,
// and for how long it has been quiet. The zero Offence is none.
type Offence struct {
	Since      Instant // when it reached the threshold; 0: no offence
	OverAt     Instant // last time it was found there
	OverSince  Instant // there ever since, but for dips
	Peak       int     // the most measured since
	Beyond     bool    // it was found above the threshold since, not merely at it
	UnderSince Instant // below the threshold without a break since; 0: it is not
	ClearSince Instant // below the clear level without a break since; 0: it is not
}

// raised reports whether the offence lasts.
func (f *Offence) raised() bool { return f.Since != 0 }

// judge takes a new measure over. It returns why an offence has ended, or nothing; the caller then
// clears it.
//
// An offence begins at the threshold. It ends after the quiet time below the clear level, which is
// half of it, or after underFactor times the quiet time below the threshold.
func (f *Offence) judge(at Instant, measured, threshold int, quiet time.Duration) (ended string) {
	if measured >= threshold {
		if !f.raised() {
			f.Since = at
		}
		if f.OverSince == 0 || f.UnderSince != 0 && at.Sub(f.UnderSince) > dip || at.Sub(f.OverAt) > unseen {
			f.OverSince, f.Beyond = at, false
		}
		f.OverAt, f.Peak, f.Beyond = at, max(f.Peak, measured), f.Beyond || measured > threshold
		f.UnderSince, f.ClearSince = 0, 0
		return ""
	}
	if !f.raised() {
		return ""
	}
	f.UnderSince = since(f.UnderSince, at, true)
	f.ClearSince = since(f.ClearSince, at, measured*2 < threshold)
	switch {
	case f.clear(at, quiet):
		return "below half of its limit for " + Brief(quiet)
	case at.Sub(f.UnderSince) >= quiet*underFactor:
		return "below its limit for " + Brief(quiet*underFactor)
	}
	return ""
}

// persists reports whether the measure went beyond its threshold and has stayed there for a time.
func (f *Offence) persists(after time.Duration) bool {
	return f.raised() && f.Beyond && after > 0 && f.OverAt.Sub(f.OverSince) >= after
}

// excess returns by how much the most that was beyond a limit grew since the offence was as it was: what
// stays open in shadow mode is counted at its peak only, and so once.
func (f *Offence) excess(was Offence, limit int) int {
	return max(0, f.Peak-limit) - max(0, was.Peak-limit)
}

// clear reports whether the measure has been below the clear level for the quiet time.
func (f *Offence) clear(at Instant, quiet time.Duration) bool {
	return f.ClearSince != 0 && at.Sub(f.ClearSince) >= quiet
}

// recurs reports whether the measure reached its threshold again, a time after it did first and before
// it had been quiet.
func (f *Offence) recurs(after time.Duration) bool {
	return f.raised() && after > 0 && f.OverAt.Sub(f.Since) >= after
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
