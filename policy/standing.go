package policy

import "net/netip"

// Standing is what holds for one source at one service: of every source what Explain tells of one.
//
// Beside sources there are the prefixes and the single IPv6 addresses that something is in force for. What
// they hold is what their limit counted last, and is part of what sources hold.
type Standing struct {
	Source netip.Prefix
	Part   bool // no source of its own: a prefix around sources, or an address within one

	Known    bool // a census tells what it holds
	Held     int
	HalfOpen int    // handshakes not completed, which anybody can begin in its name
	Max      int    // what it may hold by the policy, or by its own limit in force; 0: no limit
	Rule     string // the key that says so

	RateKnown bool    // a count of what ends tells how fast it opens connections
	Rate      float64 // completed connections a second

	SYNsOver uint64 // SYNs beyond its rate, as the SYN meter lists them now
	Dropped  bool   // its SYNs over the rate are dropped now

	Exempt  bool
	Watched bool
	Limit   *Limit // that covers it: of several one that refuses, then the one for most of it; nil: none
	Block   *Block // that covers it: of several the one that ends last; nil: none
	Strikes int    // blocks that are remembered
}

// ServiceStandings are the standings at one service.
type ServiceStandings struct {
	Service string
	Mode    Mode
	Rest    Rest       // sources a census could not keep, which are not among these
	Sources []Standing // by Source
}

// Standings tells for every source that is counted, or that something is in force for, what Explain tells
// for one address, service by service in the order of their names. A strike that is only remembered lists
// nobody. It is one walk over lists that are sorted, and changes none of its arguments, to which the
// limits and blocks it returns belong. Of seen, which may be nil, it takes the newest counts.
func Standings(p *Policy, s *State, d *Decision, seen *Sight) []ServiceStandings {
	if seen == nil {
		seen = &Sight{}
	}
	list := make([]ServiceStandings, 0, len(p.Services))
	for _, svc := range byName(p) {
		w := newStandingWalk(p, s, d, seen, svc)
		list = append(list, ServiceStandings{Service: svc.Name, Mode: svc.Mode, Rest: w.census.Rest, Sources: w.walk()})
	}
	return list
}
