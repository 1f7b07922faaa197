package policy

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
	if now.CurrEstab >= s.Base+rise(p) {
		why = append(why, "connections rising")
	}
	if now.ListenOverflows > prev.ListenOverflows {
		why = append(why, "accept queue overflowing")
	}
	if now.CookiesSent > prev.CookiesSent {
		why = append(why, "SYN cookies sent")
	}
	return why
}

// rise is how many connections more than at the last census are suspicious: a quarter of the
// least limit, so that a source is looked at well before it can go from nothing to its limit.
func rise(p *Policy) uint64 {
	least := 0
	for i := range p.Services {
		if n := p.Services[i].Connections.PerSource; n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return uint64(max(4, least/4))
}
