package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// floodRate is how many SYNs a second that are not completed are a flood, and few a host ever notices:
// its SYN queue and SYN cookies carry far more.
const floodRate = 500

// provenAfter is how long what ends is listened to before any SYN is dropped. Until then nobody knows
// whose addresses are clients'.
const provenAfter = 10 * time.Second

// synFlood tells SYN floods of few addresses from spoofed ones. Their SYNs are forged or not, nobody
// knows, so neither is evidence against anybody (P5): a flood is recognised and reported, and what its
// addresses send beyond their rate may be dropped under pressure.
func (st *serviceStep) synFlood(old SYNState) {
	st.state.SYNs = old
	s := &st.state.SYNs
	if st.census != nil && st.service.Traffic.Onward() {
		s.HalfOpen = st.census.HalfOpen
	}
	if st.o.Metered {
		st.reading(s)
	}
	quiet := st.service.Response.Quiet
	for _, f := range []*Offence{&s.Few, &s.Many} {
		st.goesOn(f)
		// A meter that is gone has nothing to say any more: silence is quiet, too.
		if f.raised() && st.o.At.Sub(f.OverAt) >= quiet {
			*f = Offence{}
		}
	}
	if s.Few.raised() {
		st.few(s)
	}
	if s.Many.raised() {
		st.many(s)
	}
}

// meter returns this observation's reading of the service's SYN meter.
func (st *serviceStep) meter() (m SYNMeter, found bool) {
	if i := slices.IndexFunc(st.o.SYNs, func(m SYNMeter) bool { return m.Service == st.service.Name }); st.o.Metered && i >= 0 {
		return st.o.SYNs[i], true
	}
	return m, false
}

// reading compares a reading of the service's SYN meter with the last one.
func (st *serviceStep) reading(s *SYNState) {
	now, found := st.meter()
	if !found {
		s.At, s.Rate, s.Drops = 0, 0, nil
		st.pressed(s, false)
		return
	}
	span := st.o.At.Sub(s.At)
	usable := s.At != 0 && now.SYNs >= s.From.SYNs && now.Over >= s.From.Over && st.o.Counters.Valid && s.Counters.Valid
	if usable && span < pace/2 {
		// Too soon for a rate, but not for whoever completed a handshake since.
		s.Drops = both(s.Drops, now.unproven())
		return
	}
	s.Rate = 0
	if usable {
		s.Rate = int(float64(now.SYNs-s.From.SYNs) / span.Seconds())
		st.weigh(s, &now, span)
	}
	st.drop(s, &now)
	now.Sources = nil
	s.From, s.Counters, s.At = now, st.o.Counters, st.o.At
}

// weigh judges what came in between two readings. Connections that were accepted meanwhile account for
// SYNs, and so does the rate every listed source is allowed. What is left of the SYNs over the rate is
// the flood of few addresses, and what is left of the others the flood of many.
func (st *serviceStep) weigh(s *SYNState, now *SYNMeter, span time.Duration) {
	opened := rose(s.Counters.PassiveOpens, st.o.Counters.PassiveOpens)
	s.Opened = int(float64(opened) / span.Seconds())
	switch {
	case halfOpenFlood(st.service, s.HalfOpen):
		opened = 0 // what is forwarded is not accepted here
	case st.proxied(): // whatever opened nothing was not completed
	case !unanswered(&s.Counters, &st.o.Counters, span):
		return
	}
	over := now.Over - s.From.Over
	others := now.SYNs - s.From.SYNs - over
	within := opened + uint64(float64(len(now.Sources)*st.service.meterRate())*span.Seconds())
	perSecond := func(n uint64) int { return int(float64(n) / span.Seconds()) }
	few, many := perSecond(over-min(over, opened)), perSecond(others-min(others, within))
	quiet := st.service.Response.Quiet
	s.Few.judge(st.o.At, few, floodRate, quiet)
	// From fewer than five addresses at their full rate it is the other kind.
	s.Many.judge(st.o.At, many, max(floodRate, 5*st.service.meterRate()), quiet)
}

// unanswered reports whether the kernel shows that SYNs are not completed: cookies nobody answers, SYNs
// it had to drop, or handshakes that end in a reset. A listener whose accept queue is full drops SYNs
// too, and sends no cookies for them.
func unanswered(prev, now *Counters, span time.Duration) bool {
	n := unansweredCookies(prev, now) + rose(prev.QueueFullDrops, now.QueueFullDrops)
	// A client that gives up while its handshake waits for room in the accept queue fails, too.
	fails := rose(prev.AttemptFails, now.AttemptFails)
	n += fails - min(fails, rose(prev.ListenOverflows, now.ListenOverflows))
	return float64(n) >= failsRate*span.Seconds()
}

// meterRate is the rate of the service's SYN meter, a source.
func (s *Service) meterRate() int {
	if s.Rate.SYNPerSource > 0 {
		return s.Rate.SYNPerSource
	}
	return DefaultSYNRate
}

func (st *serviceStep) few(s *SYNState) {
	a := st.answer(SYNFlood)
	a.present, a.rate = true, s.Few.Peak
	a.evidence = Reason{Rule: ruleSYN, Measured: s.Few.Peak, Threshold: st.service.meterRate(), At: s.Few.OverAt}
	a.why = "few addresses send them; they may be forged, so none is named an attacker"
	if m, found := st.meter(); found {
		a.sources = len(m.Sources)
	}
}

func (st *serviceStep) many(s *SYNState) {
	a := st.answer(SpoofedSYNFlood)
	a.present, a.rate = true, s.Many.Peak
	a.evidence = Reason{Rule: RuleSYNs, Measured: s.Many.Peak, Threshold: max(floodRate, 5*st.service.meterRate()), At: s.Many.OverAt}
	a.why = "SYN cookies carry it; their sources are too many to be real, so nobody is limited"
	if st.o.Counters.SynCookies == 0 {
		a.why = "SYN cookies are off and clients are turned away: sysctl -w net.ipv4.tcp_syncookies=1"
	}
}

// drop asks for the SYNs of sources over their rate to be dropped: above the pressure of the policy,
// where it sets a rate, and never of an address that completed a handshake lately.
func (st *serviceStep) drop(s *SYNState, now *SYNMeter) {
	limit := st.policy.Observe.SYNPressure
	pressed := st.pressure >= limit || s.Dropping && st.pressure*2 >= limit
	st.pressed(s, pressed && st.service.Rate.SYNPerSource > 0 && st.listened())
	s.Drops = nil
	if s.Dropping {
		s.Drops = now.unproven()
	}
}

// listened reports whether it is known by now who completes handshakes: what ends was listened to for a
// while, and a census has found who holds connections.
func (st *serviceStep) listened() bool {
	from := st.prev.Listening
	return from != 0 && st.o.At.Sub(from) >= provenAfter && st.next.Census >= from
}

// unproven returns the listed sources that completed no handshake lately, sorted.
func (m *SYNMeter) unproven() []netip.Prefix {
	if m.ProvenFull {
		return nil
	}
	var list []netip.Prefix
	for _, src := range m.Sources {
		if !src.Proven {
			list = append(list, src.Source)
		}
	}
	slices.SortFunc(list, ComparePrefix)
	return list
}

// pressed notes whether SYNs may be dropped, and reports it when that changes.
func (st *serviceStep) pressed(s *SYNState, now bool) {
	if s.Dropping == now {
		return
	}
	s.Dropping = now
	what := "no SYN is dropped any more"
	if now {
		what = "SYNs over their source's rate are dropped, but for sources that completed a handshake lately"
	}
	st.report(Event{Kind: PressureChanged, Count: 1, Why: fmt.Sprintf("%d SYNs a second come in, observe.syn_pressure is %d: %s",
		st.pressure, st.policy.Observe.SYNPressure, what)})
}

// decideDrops adds the sources whose SYNs over their rate are dropped.
func (st *serviceStep) decideDrops() {
	s := &st.state.SYNs
	until := s.At.Add(st.service.Response.Lease)
	if until <= st.o.At || st.service.Rate.SYNPerSource == 0 {
		return
	}
	exempt := sortedNest(st.exempt)
	for _, src := range s.Drops {
		if exempt.covers(src) {
			continue
		}
		st.out.Drops = append(st.out.Drops, SYNDrop{Service: st.service.Name, Source: src, Mode: st.service.Mode, Until: until})
	}
}

// synPressure is how many SYNs a second come to all metered services.
func synPressure(s *State, o *Observation) int {
	if !o.Metered {
		return 0
	}
	rate := 0.0
	for i := range o.SYNs {
		now := &o.SYNs[i]
		was := s.service(now.Service).SYNs
		if span := o.At.Sub(was.At); was.At != 0 && span > 0 {
			rate += float64(rose(was.From.SYNs, now.SYNs)) / span.Seconds()
		}
	}
	return int(rate)
}

// halfOpenFlood reports whether a census of what is forwarded shows a SYN flood: the host's own counters
// know nothing of it.
func halfOpenFlood(svc *Service, halfOpen int) bool {
	return svc.Traffic.Onward() && halfOpen >= 2*floodRate
}

// both returns what two sorted lists have in common.
func both(as, bs []netip.Prefix) []netip.Prefix {
	var list []netip.Prefix
	self := func(p *netip.Prefix) netip.Prefix { return *p }
	align(as, bs, self, self, func(a, b *netip.Prefix) {
		if a != nil && b != nil {
			list = append(list, *a)
		}
	})
	return list
}
