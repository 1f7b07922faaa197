package control

import (
	"net/netip"
	"time"

	"ebbgate/policy"
)

// sinceBoot is when it is now in the fixtures.
const sinceBoot = policy.Instant(time.Hour)

// listed is what is known of the sources of three services: one under attack, one in shadow mode with a long
// name, and one nobody is at.
func listed() *SourceList {
	prefix := netip.MustParsePrefix
	limit := func(source string, refuse bool, held, max int) *policy.Limit {
		return &policy.Limit{Service: "web", Source: prefix(source), Refuse: refuse, Held: held, Max: max, Until: sinceBoot.Add(28 * time.Second),
			Reason: policy.Reason{Rule: "connections.per_source", Measured: held, Threshold: max}}
	}
	blocked := &policy.Block{Service: "web", Source: prefix("203.0.113.0/24"), Strikes: 2, Until: sinceBoot.Add(57*time.Minute + time.Second),
		Reason: policy.Reason{Rule: "connections.per_prefix", Measured: 1312, Threshold: 800}}
	inherited := &policy.Block{Service: "web", Source: prefix("198.51.100.250/32"), Strikes: 1, Until: sinceBoot.Add(9 * time.Second), Reason: policy.Reason{Rule: policy.RuleInherited}}
	fast := &policy.Limit{Service: "web", Source: prefix("2001:db8:bad:cafe::/64"), Refuse: true, Until: sinceBoot.Add(28 * time.Second),
		Reason: policy.Reason{Rule: "rate.new_per_source", Measured: 61, Threshold: 50}}
	long := *limit("2001:db8:1111:2222:3333:4444:5555:6666/128", true, 140, 100)
	const rule = "connections.per_source"
	return &SourceList{Calendar: Calendar{Now: sinceBoot, Wall: night(3, 2, 10, 0).Time}, Counted: night(3, 2, 9, 600), Complete: true,
		Services: []policy.ServiceStandings{
			{Service: "admin", Mode: policy.Enforce},
			{Service: "payments-gateway-for-partners", Sources: []policy.Standing{
				{Source: prefix("2001:db8:1111:2222::/64"), Known: true, Held: 150, Max: 100, Rule: rule, RateKnown: true},
				{Source: long.Source, Part: true, Known: true, Held: 140, Max: 100, Rule: rule, Limit: &long},
			}},
			{Service: "web", Mode: policy.Enforce, Sources: []policy.Standing{
				{Source: prefix("192.0.2.7/32"), Known: true, Held: 1204, Max: 100, Rule: rule, RateKnown: true, Rate: 2.5, Exempt: true},
				{Source: prefix("198.51.100.1/32"), Known: true, Held: 100, HalfOpen: 3, Max: 100, Rule: rule, RateKnown: true, Rate: 61.4, Limit: limit("198.51.100.1/32", true, 312, 100), Strikes: 1},
				{Source: prefix("198.51.100.2/32"), Known: true, Held: 60, Max: 100, Rule: rule, Limit: limit("198.51.100.2/32", false, 312, 100)},
				{Source: prefix("198.51.100.3/32"), Known: true, Held: 70, Max: 100, Rule: rule, Watched: true},
				{Source: prefix("198.51.100.9/32"), Known: true, Held: 2, HalfOpen: 211, Max: 2000, Rule: "override.per_source", SYNsOver: 912345, Dropped: true},
				{Source: prefix("198.51.100.250/32"), Max: 100, Rule: rule, Block: inherited, Strikes: 1},
				{Source: blocked.Source, Part: true, Block: blocked, Strikes: 2},
				{Source: prefix("203.0.113.9/32"), Known: true, Held: 1, Max: 100, Rule: rule, Block: blocked, Strikes: 2},
				{Source: prefix("2001:db8:bad:cafe::/64"), Known: true, RateKnown: true, Rate: 61, Limit: fast},
			}},
		}}
}

// early is a list before the first census.
func early() *SourceList {
	l := listed()
	l.Counted, l.Complete = Time{}, false
	web := &l.Services[2]
	web.Sources = web.Sources[5:6]
	l.Services = []policy.ServiceStandings{*web}
	return l
}

// partial is a list by a census that has not seen everything.
func partial() *SourceList {
	l := listed()
	l.Complete = false
	l.Services[2].Rest = policy.Rest{Sources: 412, Held: 2090}
	return l
}

// nastySources has evil in every text.
func nastySources() *Sources {
	s := listed().Select(SourcesRequest{})
	for i := range s.Sources {
		s.Sources[i].Service, s.Sources[i].State, s.Sources[i].Rule, s.Sources[i].MaxRule = evil, SourceState(evil), evil, evil
	}
	return s
}
