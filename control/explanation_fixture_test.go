package control

import (
	"net/netip"
	"time"

	"ebbgate/policy"
)

// explained is an address that is blocked at one service, would be refused at another, and is free at
// the others.
func explained() *Explanation {
	source := netip.MustParsePrefix("203.0.113.7/32")
	limit := Limit{Source: source, Held: 20, Max: 20, Refusing: true, Since: night(3, 1, 0, 0), LeaseLeft: Duration(20 * time.Second),
		Rule: "connections.per_source", Measured: 20, Threshold: 20}
	return &Explanation{At: night(3, 2, 10, 0), Address: netip.MustParseAddr("203.0.113.7"), Services: []ServiceExplanation{{
		Service: "web", Mode: policy.Enforce, Source: source, Known: true, Held: 312, Counted: night(3, 2, 9, 800), Max: 100, MaxRule: "connections.per_source",
		PerS: new(Rate(61.25)), MaxRate: 50, RateRule: "rate.new_per_source", SYNsOver: 1234, Proven: true,
		Prefixes: []PrefixExplanation{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Held: 700, Sources: 12, Max: 800}},
		Limits: []Limit{{Source: source, Held: 100, Max: 100, Refusing: true, Mode: policy.Enforce, Since: night(2, 59, 0, 0), LeaseLeft: Duration(28 * time.Second),
			Rule: "connections.per_source", Measured: 312, Threshold: 100}},
		Watched: true,
		Blocks: []Block{{Source: source, Mode: policy.Enforce, Strikes: 2, Since: night(2, 59, 11, 0), Left: Duration(3421 * time.Second),
			Rule: "connections.per_source", Measured: 312, Threshold: 100}},
		Strikes: 2, Forgiven: night(9, 2, 10, 0), NextFor: Duration(24 * time.Hour),
		Next: []string{"the block ends by itself in 57m", "a third block would last 24h"},
	}, {
		Service: "mail", Source: source, Known: true, Held: 20, Counted: night(3, 2, 9, 800), Max: 20, MaxRule: "connections.per_source", Limits: []Limit{limit},
		NextFor: Duration(10 * time.Minute),
	}, {
		Service: "shop", Mode: policy.Enforce, Source: netip.MustParsePrefix("203.0.113.0/24"), MaxRate: 50, RateRule: "override.new_per_source",
		Exempt: []string{"the operator exempted 203.0.113.0/24 for 2h: office"},
	}, {Service: "near", Mode: policy.Enforce, Source: source, Watched: true},
		{Service: "dropped", Mode: policy.Enforce, Source: source, SYNsOver: 1, Dropped: true},
		{Service: "free", Mode: policy.Enforce, Source: source}}}
}

// exemptEverywhere is an address the policy file exempts.
func exemptEverywhere() *Explanation {
	e := explained()
	e.Exempt = []string{"the policy exempts 203.0.113.0/24 (exempt.prefixes)"}
	return e
}

func nastyExplanation() *Explanation {
	e := explained()
	e.Address, e.Exempt = netip.MustParseAddr("fe80::1").WithZone(evil), []string{evil}
	s := &e.Services[0]
	s.Service, s.Exempt, s.MaxRule, s.RateRule, s.Next = evil, []string{evil}, evil, evil, []string{evil}
	s.Limits[0].Rule, s.Blocks[0].Rule = evil, evil
	return e
}

// past is three attacks, one of them open.
func past() *Attacks {
	slow := Attack{ID: "2", Service: "mail", Kind: policy.SlowApplication, Since: night(1, 0, 0, 0), Ended: night(1, 12, 0, 0),
		EndedWhy: "the accept queue has been empty for 1m0s", Why: "the accept queue of 0.0.0.0:25 was full: a larger backlog would help"}
	return &Attacks{At: night(3, 2, 10, 0), Attacks: []Attack{flood(), slow, gone()}}
}

// gone is an attack of another day, in shadow mode, of which not every change is remembered.
func gone() Attack {
	began := time.Date(2026, 3, 12, 22, 0, 0, 0, time.UTC)
	return Attack{ID: "1", Service: "web", Kind: policy.Churn, Since: TimeOf(began), PeakHeld: 40, PeakSources: 3, PeakRate: 900, Excess: 2, Blocked: 1,
		Evidence: "61 new connections a second, rate.new_per_source allows 50", ChangesLost: 4,
		Changes: []Change{{At: TimeOf(began.Add(time.Second)), What: "source limited", Count: 1}}, Ended: TimeOf(began.Add(time.Hour)), EndedWhy: "quiet for 1m0s"}
}
