package report

import (
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// berlin is a zone with an offset, so that no test depends on the zone of its machine.
var berlin = time.FixedZone("CET", 3600)

var begin = time.Date(2026, 3, 14, 2, 59, 0, 500e6, time.UTC)

func at(d time.Duration) control.Time { return control.TimeOf(begin.Add(d)) }

func shopPolicy() *control.AttackPolicy {
	return &control.AttackPolicy{
		Capacity: 2500, PerSource: 100, PerPrefix: []control.PrefixLimit{{IPv4: 24, Limit: 800}, {IPv6: 48, Limit: 800}},
		NewPerSource: 50, SYNPerSource: 200, CloseExcess: true, Lease: control.Duration(30 * time.Second), Quiet: control.Duration(time.Minute),
		BlockAfter: control.Duration(10 * time.Second), BlockFor: []control.Duration{control.Duration(10 * time.Minute), control.Duration(time.Hour)},
	}
}

// flood is a connection flood that filled the service for a moment, and ended. For half a minute the daemon
// measured nothing.
func flood() *Facts {
	a := &control.Attack{
		ID: "3", Service: "web", Kind: policy.ConnectionFlood, Mode: policy.Enforce, Since: at(0), FirstRule: at(410 * time.Millisecond),
		Evidence: "312 connections held, connections.per_source allows 100", Rule: "connections.per_source", Measured: 312, Threshold: 100,
		PeakHeld: 2512, PeakSources: 838, Excess: 1304, Blocked: 3,
		Top: []control.PrefixCount{
			{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Sources: 12, Held: 1140},
			{Prefix: netip.MustParsePrefix("2001:db8:bad::/48"), Sources: 1, Held: 400},
			{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Sources: 1, Held: 312}},
		Changes: []control.Change{
			{At: at(0), What: "sources limited", Count: 12, Why: "312 connections held, connections.per_source allows 100"},
			{At: at(11 * time.Second), What: "sources blocked", Count: 2, Why: "100 connections held, connections.per_source allows 100"},
			{At: at(90 * time.Second), What: "blocked by hand", Source: netip.MustParsePrefix("203.0.113.9/32"), Why: "for 1h: <scraper>", ByHand: true},
			{At: at(2 * time.Minute), What: "sources blocked", Count: 1, Why: "100 connections held, connections.per_source allows 100"},
			{At: at(3 * time.Minute), What: "limits lifted", Count: 12, Why: "quiet for 1m0s"}},
		Policy: shopPolicy(), Ended: at(190 * time.Second), EndedWhy: "every source was quiet for 1m0s, or is blocked",
	}
	s := &control.Samples{ID: "3", Step: control.Duration(time.Second)}
	for i := range 190 {
		if i >= 60 && i < 90 {
			continue
		}
		x := control.Sample{At: at(time.Duration(i) * time.Second), Held: 700 + i%7*3, Within: 640 + i%7*3, Opened: 60 + i%5, SYNs: 70 + i%9, Limited: 12, Blocks: 2, Refused: 900 - i*4}
		switch {
		case i < 3:
			x.Held, x.Within, x.Opened, x.SYNs, x.Blocks, x.Queue, x.Refused = 2500+4*i, 420, 2400, 3000, 0, 40, 100
		case i < 11:
			x.Held, x.Blocks, x.Queue = 1800, 0, 2
		case i >= 120:
			x.Blocks = 3
		}
		s.Samples = append(s.Samples, x)
	}
	return &Facts{Attack: a, Samples: s, At: begin.Add(7 * time.Hour), Version: "0.7.0", Host: "shop-1.example.net", Zone: berlin}
}

// slow is an application that stalled for twelve minutes of a summer night, in shadow mode.
func slow() *Facts {
	a := &control.Attack{
		ID: "2", Service: "mail", Kind: policy.SlowApplication, Mode: policy.Shadow, Since: at(0), Evidence: "",
		Why:      "the accept queue of 0.0.0.0:25 (postfix.service) was full: more workers, or a listen backlog above 128, would help",
		PeakHeld: 340, Ended: at(12 * time.Minute), EndedWhy: "the accept queue has been empty for 1m0s",
		Policy: &control.AttackPolicy{PerSource: 20, CloseExcess: true, Lease: control.Duration(30 * time.Second), Quiet: control.Duration(time.Minute)},
	}
	s := &control.Samples{ID: "2", Step: control.Duration(2 * time.Second)}
	for i := range 360 {
		x := control.Sample{At: at(time.Duration(2*i) * time.Second), Held: 210 + i%11, Within: 210 + i%11, Opened: 12 + i%4}
		if i < 330 {
			x.Queue, x.Held, x.Within = 129, 300+i%40, 300+i%40
		}
		s.Samples = append(s.Samples, x)
	}
	return &Facts{Attack: a, Samples: s, At: begin.Add(time.Hour), Version: "0.7.0", Host: "mx", Zone: berlin}
}

// spoofed is a flood of forged SYNs that is open, of which nothing was kept.
func spoofed() *Facts {
	return &Facts{
		Attack: &control.Attack{
			ID: "12", Service: "shop", Kind: policy.SpoofedSYNFlood, Mode: policy.Enforce, Since: at(0),
			Evidence: "40,211 SYNs a second, rate.syn_per_source allows 200", Rule: "rate.syn_per_source", Measured: 40211, Threshold: 200,
			PeakHeld: 611, PeakRate: 90211, Policy: shopPolicy(),
			Changes: []control.Change{{At: at(700 * time.Millisecond), What: "SYNPROXY answers SYNs", Why: "another table uses conntrack"}},
		},
		Missing: "no history is kept: history.path is empty in the policy the daemon was started with",
		At:      begin.Add(25 * time.Second), Version: "0.7.0", Zone: time.UTC,
	}
}
