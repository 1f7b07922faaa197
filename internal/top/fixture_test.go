package top

import (
	"fmt"
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// night is a moment at which somebody looks.
func night(hour, minute, second int) control.Time {
	return control.TimeOf(time.Date(2026, 3, 14, hour, minute, second, 0, time.UTC))
}

var from = netip.MustParsePrefix

// peaceful has two services, one of them in shadow mode.
func peaceful() *control.Status {
	return &control.Status{
		At: night(3, 2, 10), Version: "0.1.0", PID: 4711, Started: control.TimeOf(time.Date(2026, 3, 10, 1, 0, 0, 0, time.UTC)),
		PolicyFile: "/etc/ebbgate/config.toml", State: control.StatePeace,
		Services: []control.Service{{
			Name: "mail", Ports: "25", Held: 41, Sources: 30, Listeners: []control.Listener{{Local: netip.MustParseAddrPort("0.0.0.0:25"), Backlog: 128}},
		}, {
			Name: "web", Mode: policy.Enforce, Ports: "80,443", PerSource: 100, NewPerSource: 50, SYNPerSource: 200, Held: 1204, Sources: 812, Capacity: 2500,
			Listeners: []control.Listener{{Local: netip.MustParseAddrPort("[::]:443"), Queue: 2, Backlog: 511, Unit: "nginx.service"}},
		}},
		Kernel: control.Kernel{CurrEstab: 1245, SynCookies: 1, OpensPerS: 210, ConntrackCount: 20, ConntrackMax: 262144},
		Table:  control.Table{Conntrack: control.ConntrackOff},
		Census: control.Census{Taken: night(3, 1, 58), Sockets: 1230, Complete: true},
	}
}

// attacked is a flood of connections and churn on web.
func attacked() *control.Status {
	s := peaceful()
	s.State = control.StateAttack
	web := &s.Services[1]
	web.Held, web.Sources, web.HalfOpen = 2104, 830, 14
	web.Listeners[0].Queue = 300
	web.Attacks = []control.Attack{flood()}
	web.Endings = &control.Endings{PerS: 5211.5, Sources: 7, Complete: true}
	web.SYNs = &control.SYNMeter{Max: 200, PerS: 40900}
	web.RefusedPackets, web.BlockedPackets, web.ClosedConnections, web.BlocksBegun = 18211, 4001, 1304, 3
	web.Limits = []control.Limit{
		{Source: from("198.51.100.1/32"), Held: 100, Max: 100, Refusing: true, Mode: policy.Enforce, Since: night(2, 59, 1),
			LeaseLeft: control.Duration(28 * time.Second), Rule: "connections.per_source", Measured: 312, Threshold: 100},
		{Source: from("2001:db8:bad:cafe::/64"), Held: 61, Max: 100, Mode: policy.Enforce, Since: night(2, 59, 4),
			LeaseLeft: control.Duration(21 * time.Second), Rule: "connections.per_source", Measured: 204, Threshold: 100}}
	web.LimitsTotal = 1400
	web.Blocks = []control.Block{{Source: from("203.0.113.7/32"), Mode: policy.Enforce, Strikes: 2, Since: night(2, 59, 11),
		Left: control.Duration(411 * time.Second), Rule: "rate.new_per_source", Measured: 612, Threshold: 50}}
	web.BlocksTotal = 3
	s.Exempt = []control.Exempt{{Prefix: from("192.0.2.0/24"), Since: night(1, 0, 0), Until: night(4, 2, 10), Left: control.Duration(time.Hour), Reason: "office, ticket 4711"}}
	s.Kernel.CookiesSentPerS, s.Kernel.CookiesValidPerS, s.Kernel.OpensPerS = 40211, 12, 5431
	s.Table = control.Table{Present: true, Owned: true, Conntrack: control.ConntrackOurs}
	return s
}

func flood() control.Attack {
	return control.Attack{ID: "3", Service: "web", Kind: policy.ConnectionFlood, Mode: policy.Enforce, Since: night(2, 59, 0), FirstRule: night(2, 59, 0),
		Evidence: "312 connections held, connections.per_source allows 100", Rule: "connections.per_source", Measured: 312, Threshold: 100,
		PeakHeld: 2512, PeakSources: 838, Excess: 1304, Blocked: 3,
		Top: []control.PrefixCount{{Prefix: from("198.51.100.0/24"), Sources: 12, Held: 1140}, {Prefix: from("2001:db8:bad::/48"), Sources: 1, Held: 400}},
		Changes: []control.Change{{At: night(2, 59, 0), What: "sources limited", Count: 12, Why: "they hold their limit"},
			{At: night(2, 59, 11), What: "sources blocked", Count: 3, Why: "over the limit for 10s"}}}
}

// broken has a spoofed flood without SYN cookies, an application that is stuck, and two faults.
func broken() *control.Status {
	s := peaceful()
	s.State = control.StateDegraded
	s.Kernel.SynCookies, s.Kernel.CookiesMissing, s.Kernel.SYNDropsPerS = 0, true, 8123
	s.Kernel.OverflowsPerS, s.Kernel.DropsPerS = 40, 8163
	s.Table = control.Table{Present: true, Conntrack: control.ConntrackOthers}
	web := &s.Services[1]
	web.Attacks = []control.Attack{{ID: "7", Service: "web", Kind: policy.SlowApplication, Since: night(3, 0, 10)}}
	web.Listeners[0].Queue = 512
	s.Faults = []control.Fault{
		{Part: "census", Text: "the kernel interrupted the dump of sockets three times in a row, so that the counts below are lower bounds only", Since: night(3, 0, 0)},
		{Part: "enforcer", Text: "apply transaction: operation not permitted: another program owns table inet ebbgate", Since: night(3, 2, 9)}}
	return s
}

// crowded has 100 services, two of them attacked.
func crowded() *control.Status {
	s := attacked()
	web := s.Services[1]
	s.Services = nil
	for i := range 98 {
		s.Services = append(s.Services, control.Service{Name: fmt.Sprintf("site-%02d", i), Mode: policy.Enforce, Ports: fmt.Sprint(8000 + i), Held: i * 37, Sources: i * 11,
			Capacity: 4000, Listeners: []control.Listener{{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(8000+i)), Backlog: 4096}}})
	}
	other := web
	other.Name = "shop"
	s.Services = append(s.Services, web, other)
	return s
}

// long has names and figures that do not fit.
func long() *control.Status {
	s := attacked()
	web := &s.Services[1]
	web.Name = "customer-portal-of-the-subsidiary-in-another-country"
	web.Ports = "80,443,8000-8010,9000,9001,9002,9003,9004,9005,9006,9007,9008"
	web.Held, web.Capacity, web.Sources, web.LimitsTotal, web.BlocksTotal = 12_345_678, 99_999_999, 1_234_567, 1_000_000, 100_000
	web.Attacks[0].Service = web.Name
	web.Endings.PerS, web.SYNs.PerS = 1_234_567, 14_880_952
	web.Listeners[0] = control.Listener{Local: netip.MustParseAddrPort("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), Queue: 65536, Backlog: 65535, Unit: "a-unit-with-a-rather-long-name@instance.service"}
	s.PolicyFile = "/srv/configuration/of/this/very/host/that/is/deep/in/a/tree/ebbgate/config.toml"
	return s
}

// six is an attack by IPv6 sources.
func six() *control.Status {
	s := attacked()
	web := &s.Services[1]
	web.Limits = nil
	web.Blocks = nil
	for i := range 12 {
		source := netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::", 0xbad0+i, 0xcafe+i)), 64)
		web.Limits = append(web.Limits, control.Limit{Source: source, Held: 100 - i, Max: 100, Refusing: i < 4, Mode: policy.Enforce, Since: night(2, 59, 1),
			LeaseLeft: control.Duration(28 * time.Second), Rule: "connections.per_source", Measured: 312, Threshold: 100})
	}
	return s
}

// empty is a daemon whose policy has no service.
func empty() *control.Status {
	s := peaceful()
	s.Services = nil
	return s
}

// holders are the sources that a daemon with this status would tell of, those with limits and blocks before others.
func holders(s *control.Status, q control.SourcesRequest) *control.Sources {
	out := &control.Sources{At: s.At, Counted: s.Census.Taken, Complete: true}
	rate := func(n int) *int { return &n }
	for i := range s.Services {
		svc := &s.Services[i]
		if q.Service != "" && q.Service != svc.Name {
			continue
		}
		for _, l := range svc.Limits {
			state := control.SourceLimited
			if l.Refusing {
				state = control.SourceRefused
			}
			out.Sources = append(out.Sources, control.Source{Service: svc.Name, Source: l.Source, Held: l.Held, Max: l.Max, PerS: rate(l.Held / 9), State: state,
				Rule: l.Rule, Measured: l.Measured, Over: l.Threshold, Left: l.LeaseLeft})
		}
		for _, b := range svc.Blocks {
			out.Sources = append(out.Sources, control.Source{Service: svc.Name, Source: b.Source, Max: 100, PerS: rate(612), SYNsOver: 91234, HalfOpen: 14, State: control.SourceBlocked,
				Rule: b.Rule, Measured: b.Measured, Over: b.Threshold, Left: b.Left, Strikes: b.Strikes})
		}
		if svc.Held > 0 {
			out.Sources = append(out.Sources, control.Source{Service: svc.Name, Source: from("192.0.2.33/32"), Held: 9, Max: svc.PerSource, State: control.SourceFree})
		}
	}
	out.Total = len(out.Sources)
	return out
}

// past are an open attack and one that ended.
func past(s *control.Status) *control.Attacks {
	out := &control.Attacks{At: s.At, Attacks: []control.Attack{{ID: "2", Service: "mail", Kind: policy.SlowApplication, Since: night(1, 0, 0), Ended: night(1, 12, 0),
		EndedWhy: "the accept queue has been empty for 1m0s", Why: "the accept queue of 0.0.0.0:25 was full: a larger backlog would help"}}}
	for i := range s.Services {
		out.Attacks = append(out.Attacks, s.Services[i].Attacks...)
	}
	return out
}

// explained is why 203.0.113.7 is refused.
func explained(a netip.Addr) *control.Explanation {
	source := netip.PrefixFrom(a, a.BitLen())
	return &control.Explanation{At: night(3, 2, 10), Address: a, Services: []control.ServiceExplanation{{
		Service: "web", Mode: policy.Enforce, Source: source, Known: true, Held: 0, Counted: night(3, 2, 9), Max: 100, MaxRule: "connections.per_source",
		PerS: new(control.Rate(612)), MaxRate: 50, RateRule: "rate.new_per_source",
		Blocks: []control.Block{{Source: source, Mode: policy.Enforce, Strikes: 2, Since: night(2, 59, 11), Left: control.Duration(411 * time.Second),
			Rule: "rate.new_per_source", Measured: 612, Threshold: 50}},
		Strikes: 2, Forgiven: night(9, 2, 10), NextFor: control.Duration(24 * time.Hour), Next: []string{"the block ends by itself in 6m51s"}}}}
}

// evil is what an attacker of the reader's terminal would like to see printed.
const evil = "\x1b]0;owned\a\x1b[2J\r\nroot# \u202egnp.exe\u0085\u200b a\u0301\xff"

// nasty has evil in every text.
func nasty() *control.Status {
	s := attacked()
	s.Version, s.PolicyFile = evil, evil
	s.Table.Conntrack = evil
	w := &s.Services[1]
	w.Name, w.Ports = evil, evil
	w.Attacks = []control.Attack{{ID: evil, Service: evil, Kind: evil, Since: night(2, 59, 0), Evidence: evil, Rule: evil, Why: evil,
		Changes: []control.Change{{At: night(2, 59, 1), What: evil, Why: evil}}}}
	w.Blocks[0].Rule, w.Limits[0].Rule, w.Listeners[0].Unit = evil, evil, evil
	s.Exempt[0].Service, s.Exempt[0].Reason = evil, evil
	s.Faults = []control.Fault{{Part: evil, Text: evil, Since: night(3, 0, 0)}, {Part: evil, Text: evil, Since: night(3, 0, 0)}}
	return s
}
