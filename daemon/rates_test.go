package daemon

import (
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

func TestRatesOfCookies(t *testing.T) {
	second := policy.Instant(time.Second)
	at := func(t policy.Instant, sent, valid, failed uint64) policy.Observation {
		return policy.Observation{At: t, Counters: policy.Counters{Valid: true, CookiesSent: sent, CookiesValid: valid, CookiesFailed: failed}}
	}
	var r rates
	for i, c := range []struct {
		seen policy.Observation
		want [3]control.Rate
	}{
		{at(10*second, 100, 10, 1), [3]control.Rate{}},
		{at(10*second+second/2, 900, 90, 9), [3]control.Rate{}}, // too soon to say
		{at(11*second, 1100, 20, 1), [3]control.Rate{1000, 10, 0}},
		{at(11*second+second/5, 9999, 99, 99), [3]control.Rate{1000, 10, 0}},
		{policy.Observation{At: 12 * second}, [3]control.Rate{1000, 10, 0}}, // could not be read
		{at(13*second, 1102, 21, 3), [3]control.Rate{1, 0.5, 1}},
		{at(14*second, 5, 0, 0), [3]control.Rate{}}, // the namespace's counters began anew
		{at(15*second, 5, 0, 0), [3]control.Rate{}},
	} {
		r.add(&c.seen)
		if got := [3]control.Rate{r.last.CookiesSentPerS, r.last.CookiesValidPerS, r.last.CookiesFailedPerS}; got != c.want {
			t.Errorf("observation %d: rates %v, want %v", i, got, c.want)
		}
	}
}

func TestRatesOfEveryCounter(t *testing.T) {
	second := policy.Instant(time.Second)
	var r rates
	r.add(&policy.Observation{At: 10 * second, Counters: policy.Counters{Valid: true}})
	r.add(&policy.Observation{At: 12 * second, Counters: policy.Counters{Valid: true, CookiesSent: 2, CookiesValid: 4, CookiesFailed: 6,
		QueueFullDrops: 8, PassiveOpens: 10, ListenOverflows: 12, ListenDrops: 14}})
	want := control.Kernel{CookiesSentPerS: 1, CookiesValidPerS: 2, CookiesFailedPerS: 3, SYNDropsPerS: 4, OpensPerS: 5,
		OverflowsPerS: 6, DropsPerS: 7}
	if r.last != want {
		t.Errorf("rates %+v, want %+v", r.last, want)
	}
}
