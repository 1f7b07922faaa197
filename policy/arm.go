package policy

import "time"

const (
	// meterHold is how long meters stay armed after the last reason for them.
	meterHold = time.Minute
	// opensRate is how many connections accepted in a second are worth telling apart by source:
	// more than people make, less than a flood of connects and resets, which leaves no other trace
	// in the counters.
	opensRate = 50
)

// arm says which meters run from now on, and whether the kernel lacks SYN cookies where it needs
// them. The signs are counters, which nobody can point at anybody.
func arm(p *Policy, s *State, o *Observation, next *State, d *Decision) {
	next.SYNFlood, next.CookiesOff, next.Churn = s.SYNFlood, s.CookiesOff, s.Churn
	prev, now := s.Counters, o.Counters
	if prev.Valid && now.Valid {
		if now.CookiesSent > prev.CookiesSent || now.QueueFullDrops > prev.QueueFullDrops {
			next.SYNFlood = o.At
		}
		if now.QueueFullDrops > prev.QueueFullDrops && now.SynCookies == 0 {
			next.CookiesOff = o.At
			if s.CookiesOff == 0 || o.At.Sub(s.CookiesOff) > meterHold {
				d.Events = append(d.Events, cookiesOff(o.At))
			}
		}
		if opening(&prev, &now, o.At.Sub(s.At)) {
			next.Churn = o.At
		}
	}
	if s.At != 0 && len(d.Watch.Suspicion) > 0 || len(d.Attacks) > 0 {
		next.Churn = o.At
	}
	d.Watch.Endings = p.Observe.Meters == Always || held(next.Churn, o.At)
	d.Watch.CookiesOff = o.Counters.SynCookies == 0 && held(next.CookiesOff, o.At)
	d.Meters = meters(p, next.SYNFlood, o.At)
}

// held reports whether a sign is still fresh.
func held(sign, now Instant) bool { return sign != 0 && now.Sub(sign) < meterHold }

// opening reports whether more connections than opensRate were accepted in the time between two
// readings.
func opening(prev, now *Counters, between time.Duration) bool {
	opens := now.PassiveOpens - prev.PassiveOpens
	return now.PassiveOpens > prev.PassiveOpens && between > 0 && float64(opens) >= opensRate*between.Seconds() && opens > 1
}

// meters returns the SYN meters that should be in the kernel, by service.
func meters(p *Policy, flood, now Instant) []Meter {
	var list []Meter
	for _, svc := range byName(p) {
		if svc.Rate.SYNPerSource == 0 {
			continue
		}
		until := now.Add(svc.Response.Lease)
		if p.Observe.Meters == Auto {
			if !held(flood, now) {
				continue
			}
			until = min(until, flood.Add(meterHold))
		}
		list = append(list, Meter{Service: svc.Name, Max: svc.Rate.SYNPerSource, Until: until})
	}
	return list
}

func cookiesOff(at Instant) Event {
	return Event{Kind: CookiesOff, At: at, Count: 1, Why: "SYNs are dropped because the SYN queue is full and SYN cookies are off; " +
		"switch them on: sysctl -w net.ipv4.tcp_syncookies=1, and keep it in /etc/sysctl.d"}
}
