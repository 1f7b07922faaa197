package policy

import (
	"math"
	"slices"
)

// suspect compares the counters with those of the last observation and says why a census should
// be taken at once. Counters are cheap and lie to nobody, but they do not tell sources apart:
// they start a census, never a limit.
func suspect(p *Policy, s *State, o *Observation) []string {
	var why []string
	if s.At == 0 {
		// A daemon that starts in the middle of an attack has nothing to compare with.
		why = append(why, "starting")
	}
	for _, l := range o.Listeners {
		if l.Queue > 0 && uint64(l.Queue)*4 >= uint64(l.Backlog) {
			why = append(why, "accept queue filling")
			break
		}
	}
	prev, now := s.Counters, o.Counters
	if !prev.Valid || !now.Valid {
		return why
	}
	if now.CurrEstab >= s.Base+rise(p, Traffic.Locally) {
		why = append(why, "connections rising")
	}
	if now.ConntrackCount >= s.Tracked+rise(p, Traffic.Onward) {
		why = append(why, "tracked connections rising")
	}
	if now.ListenOverflows > prev.ListenOverflows {
		why = append(why, "accept queue overflowing")
	}
	if cookiesNeeded(&prev, &now) {
		why = append(why, cookiesSent)
	}
	return why
}

// cookiesSent is the suspicion that a SYN flood may hide something else.
const cookiesSent = "SYN cookies sent"

// expected takes away the suspicion that a SYN flood already explains: as long as it lasts, what it hides
// shows in the other counters, and censuses without end would be its gain.
func expected(d *Decision) {
	flood := func(a Attack) bool { return a.Kind == SYNFlood || a.Kind == SpoofedSYNFlood }
	if slices.ContainsFunc(d.Attacks, flood) {
		d.Watch.Suspicion = slices.DeleteFunc(d.Watch.Suspicion, func(why string) bool { return why == cookiesSent })
	}
}

// rise is how many connections more than at the last census are suspicious: a quarter of the least
// limit of the services with such traffic, so that a source is looked at well before it can go
// from nothing to its limit. Without such a service nothing is.
func rise(p *Policy, such func(Traffic) bool) uint64 {
	least, any := 0, false
	for i := range p.Services {
		svc := &p.Services[i]
		if !such(svc.Traffic) {
			continue
		}
		any = true
		if n := svc.Connections.PerSource; n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if !any {
		return math.MaxUint32
	}
	return uint64(max(4, least/4))
}
