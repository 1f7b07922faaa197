package control

import (
	"errors"
	"net/netip"
	"time"

	"ebbgate/policy"
)

// night is a moment at which somebody reads a status.
func night(hour, minute, second, milli int) Time {
	return TimeOf(time.Date(2026, 3, 14, hour, minute, second, milli*1e6, time.UTC))
}

func peace() *Status {
	return &Status{
		At: night(3, 2, 10, 0), Version: "0.1.0", PID: 4711, Started: TimeOf(time.Date(2026, 3, 10, 1, 0, 0, 0, time.UTC)),
		PolicyFile: "/etc/ebbgate/config.toml", State: StatePeace,
		Services: []Service{{
			Name: "web", Mode: policy.Enforce, Ports: "80,443,8000-8010", PerSource: 100, Held: 1204, Sources: 812,
			Listeners: []Listener{{Local: netip.MustParseAddrPort("[::]:443"), Backlog: 511}},
		}, {
			Name: "mail", Ports: "25", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25"), netip.MustParseAddr("2001:db8::25")},
			Held: 1, Sources: 1,
		}},
		Kernel: Kernel{CurrEstab: 1205, SynCookies: 1, ConntrackCount: 20, ConntrackMax: 262144},
		Table:  Table{Conntrack: ConntrackOff, Features: []string{"table owner", "destroy verbs"}},
		Census: Census{Taken: night(3, 1, 58, 0), Age: Duration(12 * time.Second), Sockets: 1230, CPU: Duration(1312 * time.Microsecond), Complete: true},
		Reload: NewReload(night(1, 0, 0, 0), "/etc/ebbgate/config.toml", 2, []string{`service "mail": has no limit`}, nil),
	}
}

// attack is a flood on web in enforce mode and one on mail in shadow mode.
func attack() *Status {
	s := peace()
	s.State = StateAttack
	web, mail := &s.Services[0], &s.Services[1]
	web.Held, web.Sources, web.HalfOpen, web.Capacity = 2104, 830, 14, 2500
	web.Listeners = []Listener{
		{Local: netip.MustParseAddrPort("0.0.0.0:443"), Queue: 129, Backlog: 128},
		{Local: netip.MustParseAddrPort("[::]:443"), Queue: 64, Backlog: 128},
	}
	web.Attacks = []Attack{flood()}
	web.NewPerSource, web.SYNPerSource, web.Unread = 50, 200, 12
	web.RefusedPackets, web.BlockedPackets, web.DroppedPackets, web.ClosedConnections, web.BlocksBegun = 18211, 4001, 77, 1, 3
	web.Blocks = []Block{
		{Source: netip.MustParsePrefix("203.0.113.7/32"), Mode: policy.Enforce, Strikes: 1, Since: night(2, 59, 11, 0),
			Left: Duration(411 * time.Second), Rule: "connections.per_source", Measured: 312, Threshold: 100},
		{Source: netip.MustParsePrefix("198.51.100.0/24"), Mode: policy.Enforce, Strikes: 2, Since: night(3, 1, 0, 0),
			Left: Duration(3530 * time.Second), Rule: "rate.new_per_source", Measured: 61, Threshold: 50}}
	web.BlocksTotal = 3
	web.Endings = &Endings{PerS: 5211.5, Sources: 7, Complete: true, Top: []Ended{
		{Source: netip.MustParsePrefix("198.51.100.1/32"), PerS: 5010}, {Source: netip.MustParsePrefix("2001:db8:1::/64"), PerS: 2.5}}}
	web.SYNs = &SYNMeter{Max: 200, PerS: 40900, OverPerS: 39000, Sources: 2, Top: []Flooder{
		{Source: netip.MustParsePrefix("203.0.113.9/32"), Over: 912345}, {Source: netip.MustParsePrefix("198.51.100.1/32"), Over: 12, Proven: true}}}
	for i := range 12 {
		web.Limits = append(web.Limits, Limit{
			Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32), Held: 100 - i, Max: 100, Refusing: i < 2,
			Mode: policy.Enforce, Since: night(2, 59, 1, 0), LeaseLeft: Duration(28400 * time.Millisecond),
			Rule: "connections.per_source", Measured: 312 + i, Threshold: 100,
		})
	}
	web.LimitsTotal = 1400
	mail.Attacks = []Attack{{ID: "4", Service: "mail", Kind: policy.ConnectionFlood, Since: night(3, 2, 9, 0), PeakHeld: 400, PeakSources: 1,
		Evidence: "400 connections held, connections.per_source allows 20", Rule: "connections.per_source", Measured: 400, Threshold: 20,
		Excess: 380, Blocked: 1}}
	mail.RefusedPackets, mail.ClosedConnections, mail.BlocksBegun, mail.Traffic = 7, 380, 1, policy.Both
	mail.Blocks = []Block{{Source: netip.MustParsePrefix("2001:db8:bad:cafe::/64"), Strikes: 1, Since: night(3, 2, 9, 500),
		Left: Duration(10 * time.Minute), Rule: "connections.per_source", Measured: 400, Threshold: 20}}
	mail.SYNs = &SYNMeter{Max: 10, PerS: 60000, UnmeteredPerS: 51000, Sources: 2048, UnlistedPerS: 12, ProvenFull: true, Top: []Flooder{}}
	mail.Limits = []Limit{{Source: netip.MustParsePrefix("2001:db8:bad:cafe::/64"), Held: 400, Max: 20, Refusing: true,
		Since: night(3, 2, 9, 0), LeaseLeft: Duration(29 * time.Second), Rule: "connections.per_source", Measured: 400, Threshold: 20}}
	mail.LimitsTotal = 1
	s.Kernel.CookiesSentPerS, s.Kernel.CookiesValidPerS, s.Kernel.CookiesFailedPerS = 40211.5, 12.25, 0.5
	s.Kernel.ListenOverflows = 9181
	s.Table = Table{Present: true, Owned: true, Conntrack: ConntrackOurs, Features: []string{"table owner"},
		Fallbacks: []string{"no destroying elements (Linux 6.3): what the kernel counted for a source stays counted until the attack is over"},
		Sets: []Set{{Name: "web_block4", Elements: held(81), Size: 100, Then: "further sources are not blocked"},
			{Name: "web_conn4", Size: 200, Then: "connections of further sources are not counted by the kernel"},
			{Name: "web_refuse4", Elements: held(100), Size: 100, Then: "further sources are not refused"},
			{Name: "web_refuse6", Elements: held(80), Size: 100, Then: "further sources are not refused"}}}
	return s
}

// flood is an open attack with a history.
func flood() Attack {
	return Attack{ID: "3", Service: "web", Kind: policy.ConnectionFlood, Mode: policy.Enforce, Since: night(2, 59, 0, 500), FirstRule: night(2, 59, 0, 910),
		Evidence: "312 connections held, connections.per_source allows 100", Rule: "connections.per_source", Measured: 312, Threshold: 100,
		PeakHeld: 2512, PeakSources: 838, Excess: 1304, Blocked: 3,
		Top: []PrefixCount{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Sources: 12, Held: 1140},
			{Prefix: netip.MustParsePrefix("2001:db8:bad::/48"), Sources: 1, Held: 400}, {Prefix: netip.MustParsePrefix("203.0.113.0/24"), Sources: 2, Held: 313},
			{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Sources: 1, Held: 3}},
		Changes: []Change{{At: night(2, 59, 0, 500), What: "sources limited", Count: 12, Why: "they hold their limit"},
			{At: night(2, 59, 11, 0), What: "sources blocked", Count: 2, Why: "over the limit for 10s"},
			{At: night(3, 0, 0, 0), What: "blocked by hand", Why: "for 1h: scraper", Source: netip.MustParsePrefix("203.0.113.9/32"), ByHand: true},
			{At: night(3, 1, 0, 0), What: "sources blocked", Count: 1, Why: "over the limit for 10s"}},
	}
}

// kinds has a service for each kind of attack but the plain flood.
func kinds() *Status {
	s := peace()
	s.State = StateAttack
	s.Table = Table{Present: true, Owned: true, Conntrack: ConntrackOthers, Assumed: true}
	nameless := func(name string, mode policy.Mode, a Attack) *Service {
		a.ID, a.Service, a.Mode, a.Since = name[:1], name, mode, night(3, 1, 0, 0)
		s.Services = append(s.Services, Service{Name: name, Mode: mode, Ports: "443", Held: 2390, Sources: 1200, PerSource: 100, Attacks: []Attack{a}})
		return &s.Services[len(s.Services)-1]
	}
	s.Services = nil
	shared := nameless("shared", policy.Enforce, Attack{Kind: policy.DistributedFlood, FirstRule: night(3, 1, 0, 400), Excess: 3, PeakHeld: 2490, PeakSources: 700,
		Evidence: "2,490 connections held by those who share the capacity, which leaves them 2,125", Rule: "capacity", Measured: 2490, Threshold: 2125})
	shared.Capacity = 2500
	shared.Offender = &Offender{Source: netip.MustParsePrefix("192.0.2.50/32"), Since: night(3, 1, 0, 0), Rule: "connections.per_source", Measured: 1300, Threshold: 100}
	shared.Share = &Share{Limit: 40, Least: 2, Sources: 700, Measured: 2490, Target: 2125, Capacity: 2500, Since: night(3, 1, 0, 0)}
	shared.Relief = &Relief{Mode: policy.Enforce, Held: 2490, Max: 2125, Rule: "capacity", Measured: 2490, Threshold: 2125}
	nameless("boundless", policy.Enforce, Attack{Kind: policy.DistributedFlood, Why: "the accept queue of 0.0.0.0:443 is full"})
	nameless("churned", policy.Shadow, Attack{Kind: policy.Churn, PeakSources: 2, PeakRate: 61, Blocked: 2,
		Top:      []PrefixCount{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Sources: 2, Held: 3, PerS: 112}},
		Evidence: "61 new connections a second, rate.new_per_source allows 50"})
	dropping := nameless("dropping", policy.Enforce, Attack{Kind: policy.SYNFlood, Evidence: "61,000 SYNs a second, rate.syn_per_source allows 200"})
	dropping.DroppedSources = 3
	nameless("metered", policy.Enforce, Attack{Kind: policy.SYNFlood, Evidence: "611 SYNs a second, rate.syn_per_source allows 200"})
	nameless("forged", policy.Enforce, Attack{Kind: policy.SpoofedSYNFlood, PeakRate: 90000})
	for _, p := range []Proxy{
		{Mode: policy.Enforce, Answering: true, Since: night(3, 1, 0, 0), LeaseLeft: Duration(29 * time.Second), MSS4: 1460, MSS6: 1440},
		{Mode: policy.Shadow, Answering: true, Since: night(3, 1, 0, 0), LeaseLeft: Duration(29 * time.Second), MSS4: 1460},
		{Mode: policy.Enforce, Lacks: "conntrack is loose: sysctl -w net.netfilter.nf_conntrack_tcp_loose=0"},
		{Mode: policy.Enforce, MSS4: 1460, MSS6: 1440},
	} {
		through := nameless("through", p.Mode, Attack{Kind: policy.SpoofedSYNFlood, PeakRate: 90000})
		through.Proxy, through.ProxiedPackets = &p, 41210
	}
	slow := nameless("slow", policy.Enforce, Attack{Kind: policy.SlowApplication})
	slow.Listeners = []Listener{{Local: netip.MustParseAddrPort("0.0.0.0:443"), Queue: 129, Backlog: 128, Unit: "shop.service"}}
	slow.Unread = 900
	helped := nameless("helped", policy.Shadow, Attack{Kind: policy.SlowApplication,
		Why: "the accept queue of 0.0.0.0:443 (shop.service) is full: more workers, or a listen backlog above 128, would help"})
	helped.Attacks = append(helped.Attacks, Attack{ID: "9", Service: "helped", Kind: "of-the-future", Since: night(3, 2, 0, 0)})
	s.Exempt = []Exempt{
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Service: "shared", Since: night(1, 0, 0, 0), Until: night(4, 2, 10, 0), Left: Duration(time.Hour), Reason: "office, ticket 4711"},
		{Prefix: netip.MustParsePrefix("2001:db8::7/128"), Since: night(1, 0, 0, 0)}}
	s.Admins = Admins{Ports: []uint16{22, 2222}, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.9"), netip.MustParseAddr("2001:db8::9"),
		netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("198.51.100.11"), netip.MustParseAddr("198.51.100.12")}}
	return s
}

// held is a number of elements that is known.
func held(n int) *int { return &n }

// degraded has everything wrong at once.
func degraded() *Status {
	s := peace()
	s.State = StateDegraded
	s.Kernel.SynCookies, s.Kernel.ConntrackMax = 0, 0
	s.Kernel.CookiesMissing, s.Kernel.SYNDropsPerS = true, 8123
	s.Kernel.OverflowsPerS, s.Kernel.DropsPerS, s.Kernel.ListenOverflows = 40, 8163, 977
	s.Table = Table{Present: true, Conntrack: ConntrackOthers}
	s.Census = Census{Taken: night(3, 1, 58, 0), Age: Duration(12 * time.Second), Sockets: 1, CPU: Duration(time.Millisecond)}
	s.Faults = []Fault{
		{Part: "census", Text: "the kernel interrupted the dump of sockets three times in a row, so that the counts below are lower bounds only", Since: night(3, 0, 0, 0)},
		{Part: "enforcer", Text: "apply transaction: operation not permitted: another program owns table inet ebbgate", Since: night(3, 2, 9, 900)},
	}
	s.Reload = refused()
	return s
}

// refused is a reload of a policy with two problems.
func refused() *Reload {
	return NewReload(night(2, 0, 0, 0), "config.toml", 2, nil, policy.Problems{
		{File: "config.toml", Line: 12, Key: "service[0].ports", Text: "70000 is not a port (1 to 65535)"},
		{File: "config.toml", Line: 14, Key: "mode", Text: `"on" is not a mode ("shadow" or "enforce")`},
	})
}

// evil is what an attacker of the reader's terminal would like to see printed.
const evil = "\x1b]0;owned\a\x1b[2J\r\nroot# \u202egnp.exe\u0085\u200b a\u0301\xff \U000e0041"

// nastyAttack has evil in every text.
func nastyAttack() Attack {
	return Attack{ID: evil, Service: evil, Kind: evil, Since: night(2, 59, 0, 0), Evidence: evil, Rule: evil, Why: evil, Ended: night(3, 0, 0, 0), EndedWhy: evil,
		Changes: []Change{{At: night(2, 59, 1, 0), What: evil, Why: evil}}}
}

// nasty has evil in every text.
func nasty() *Status {
	s := attack()
	s.Version, s.PolicyFile, s.State = evil, evil, State(evil)
	w := &s.Services[0]
	w.Name, w.Ports = evil, evil
	w.Attacks = []Attack{nastyAttack()}
	w.Blocks[0].Rule = evil
	w.Listeners[0].Unit = evil
	s.Exempt = []Exempt{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Service: evil, Reason: evil}}
	s.Admins = Admins{Ports: []uint16{22}, Addresses: []netip.Addr{netip.MustParseAddr("fe80::1").WithZone(evil)}}
	w.Limits[0].Rule = evil
	w.Listeners[0].Local = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(evil), 443)
	w.Addresses = []netip.Addr{netip.MustParseAddr("fe80::1").WithZone(evil)}
	s.Table.Features, s.Table.Fallbacks = []string{evil}, []string{evil}
	s.Table.Sets = []Set{{Name: evil, Elements: held(9), Size: 9, Then: evil}, {Name: evil, Elements: held(9), Size: 10, Then: evil}, {Name: evil, Elements: held(9)}}
	s.Faults = []Fault{{Part: evil, Text: evil, Since: night(3, 0, 0, 0)}}
	s.Reload = NewReload(night(3, 0, 0, 0), evil, 2, []string{evil}, errors.New(evil))
	return s
}
