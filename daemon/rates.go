package daemon

import (
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// ratesOver is the least span that figures per second are taken over.
const ratesOver = time.Second

// rates turns the kernel's counters into figures per second, over about a second.
type rates struct {
	base policy.Instant
	from policy.Counters
	last control.Kernel // with the rates only
}

func (r *rates) add(o *policy.Observation) {
	if !o.Counters.Valid {
		return
	}
	span := o.At.Sub(r.base)
	if r.base != 0 && span < ratesOver {
		return
	}
	if now, was := &o.Counters, &r.from; r.base != 0 {
		r.last = control.Kernel{
			CookiesSentPerS:   perSecond(now.CookiesSent, was.CookiesSent, span),
			CookiesValidPerS:  perSecond(now.CookiesValid, was.CookiesValid, span),
			CookiesFailedPerS: perSecond(now.CookiesFailed, was.CookiesFailed, span),
			SYNDropsPerS:      perSecond(now.QueueFullDrops, was.QueueFullDrops, span),
			OpensPerS:         perSecond(now.PassiveOpens, was.PassiveOpens, span),
			OverflowsPerS:     perSecond(now.ListenOverflows, was.ListenOverflows, span),
			DropsPerS:         perSecond(now.ListenDrops, was.ListenDrops, span),
		}
	}
	r.base, r.from = o.At, o.Counters
}

// perSecond is the rate of a counter; one that went back began anew.
func perSecond(now, then uint64, span time.Duration) control.Rate {
	if now < then || span <= 0 {
		return 0
	}
	return control.Rate(float64(now-then) / span.Seconds())
}
