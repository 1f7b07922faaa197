package policy

import "time"

const (
	// meterHold is how long meters stay armed after the last reason for them.
	meterHold = time.Minute
	// opensRate is how many connections accepted in a second are worth telling apart by source:
	// more than people make, less than a flood of connects and resets, which leaves no other trace
	// in the counters.
	opensRate = 50
	// failsRate is how many handshakes that fail in a second, or cookies that nobody answers, are
	// the mark of a SYN flood. One whose forged addresses belong to living hosts fills no queue:
	// their resets empty it.
	failsRate = 100
	// pace is the least span that rates are taken over.
	pace = time.Second
)

// arm says which meters run from now on, and whether the kernel lacks SYN cookies where it needs
// them. The signs are counters, which nobody can point at anybody.
func arm(p *Policy, s *State, o *Observation, next *State, d *Decision) {
	next.SYNFlood, next.CookiesOff, next.Churn = s.SYNFlood, s.CookiesOff, s.Churn
	next.Paced, next.PacedAt, next.Unanswered = s.Paced, s.PacedAt, s.Unanswered
	prev, now := &s.Counters, &o.Counters
	if prev.Valid && now.Valid {
		// The first sign arms. What keeps them armed is a rate: long after a flood its half-open sockets
		// still cost clients a cookie, which they answer.
		begins := cookiesNeeded(prev, now) && unansweredCookies(prev, now) > 0 && !held(s.SYNFlood, o.At)
		if begins || now.QueueFullDrops > prev.QueueFullDrops {
			next.SYNFlood = o.At
		}
		if now.QueueFullDrops > prev.QueueFullDrops && now.SynCookies == 0 {
			next.CookiesOff = o.At
			if s.CookiesOff == 0 || o.At.Sub(s.CookiesOff) > meterHold {
				d.Events = append(d.Events, cookiesOff(o.At))
			}
		}
	}
	for i := range next.Services {
		if sv := &next.Services[i]; o.Census.Taken && halfOpenFlood(p.Service(sv.Service), sv.SYNs.HalfOpen) {
			next.SYNFlood = o.At
		}
		// SYNPROXY leaves no trace of a flood in the counters; its meter still shows it.
		if sv := &next.Services[i]; sv.Proxy.Since != 0 && sv.SYNs.Many.OverAt == o.At {
			next.SYNFlood = o.At
		}
	}
	next.rates(p, o)
	if next.ceased(s, o.At) {
		next.SYNFlood = 0
	}
	if s.At != 0 && len(d.Watch.Suspicion) > 0 || d.Watch.Attack {
		next.Churn = o.At
	}
	// During a SYN flood whoever completes a handshake proves himself by what ends.
	d.Watch.Endings = p.Observe.Meters == Always || held(next.Churn, o.At) || held(next.SYNFlood, o.At)
	next.Listening = since(s.Listening, o.At, d.Watch.Endings)
	d.Watch.CookiesOff = o.Counters.SynCookies == 0 && held(next.CookiesOff, o.At)
	if !next.rests(p, s, o.At) {
		d.Meters = meters(p, next.SYNFlood, o.At)
	}
}

// cookiesNeeded reports whether the kernel sent SYN cookies because it had to. With
// net.ipv4.tcp_syncookies at 2 it sends one for every SYN, which says nothing.
func cookiesNeeded(prev, now *Counters) bool {
	return now.SynCookies != 2 && now.CookiesSent > prev.CookiesSent
}

// unansweredCookies is how many SYN cookies nobody answers. Answers lag behind: as long as a third comes
// back the others are taken to be on their way.
func unansweredCookies(prev, now *Counters) uint64 {
	sent := rose(prev.CookiesSent, now.CookiesSent)
	return sent - min(sent, 3*rose(prev.CookiesValid, now.CookiesValid))
}

// rates looks for signs that are rates, each time a pace has passed since the last look.
func (s *State) rates(p *Policy, o *Observation) {
	now, prev, span := &o.Counters, &s.Paced, o.At.Sub(s.PacedAt)
	if !now.Valid || s.PacedAt != 0 && span < pace {
		return
	}
	if s.PacedAt != 0 {
		faster := func(count uint64, than float64) bool { return float64(count) >= than*span.Seconds() }
		if faster(rose(prev.PassiveOpens, now.PassiveOpens), leastFresh(p)) {
			s.Churn = o.At
		}
		unanswered := unansweredCookies(prev, now)
		s.Unanswered = int(float64(unanswered) / span.Seconds())
		if faster(rose(prev.AttemptFails, now.AttemptFails), failsRate) || faster(unanswered, failsRate) ||
			cookiesNeeded(prev, now) && unanswered > 0 {
			s.SYNFlood = o.At
		}
	}
	s.Paced, s.PacedAt = *now, o.At
}

// leastFresh is how many connections accepted in a second are worth telling apart: opensRate, or less
// where a source may open fewer.
func leastFresh(p *Policy) float64 {
	least := opensRate
	for i := range p.Services {
		svc := &p.Services[i]
		for j := -1; j < len(svc.Overrides); j++ {
			if fresh := svc.allow(j).fresh; fresh > 0 {
				least = min(least, fresh)
			}
		}
	}
	return float64(least)
}

// rose is by how much a counter rose; one that fell began anew.
func rose(prev, now uint64) uint64 { return now - min(prev, now) }

// held reports whether a sign is still fresh.
func held(sign, now Instant) bool { return sign != 0 && now.Sub(sign) < meterHold }

// meters returns the SYN meters that should be in the kernel, by service.
func meters(p *Policy, flood, now Instant) []Meter {
	var list []Meter
	for _, svc := range byName(p) {
		until := now.Add(svc.Response.Lease)
		if p.Observe.Meters == Auto {
			if !held(flood, now) {
				continue
			}
			until = min(until, flood.Add(meterHold))
		}
		list = append(list, Meter{Service: svc.Name, Max: svc.meterRate(), Until: until})
	}
	return list
}

func cookiesOff(at Instant) Event {
	return Event{Kind: CookiesOff, At: at, Count: 1, Why: "SYNs are dropped because the SYN queue is full and SYN cookies are off; " +
		"switch them on: sysctl -w net.ipv4.tcp_syncookies=1, and keep it in /etc/sysctl.d"}
}
