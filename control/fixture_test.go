package control

import (
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
		Reload: &Reload{At: night(1, 0, 0, 0)},
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
	web.Attack = &Attack{ID: "7f3a", Kind: "connection-flood", Since: night(2, 59, 0, 500), PeakHeld: 2512, PeakSources: 838,
		FirstRule: night(2, 59, 0, 910)}
	web.RefusedPackets, web.ClosedConnections = 18211, 1
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
	mail.Attack = &Attack{ID: "7f3b", Kind: "connection-flood", Since: night(3, 2, 9, 0), PeakHeld: 400, PeakSources: 1}
	mail.RefusedPackets, mail.Traffic = 7, policy.Both
	mail.SYNs = &SYNMeter{Max: 10, PerS: 60000, UnmeteredPerS: 51000, Sources: 2048, UnlistedPerS: 12, ProvenFull: true, Top: []Flooder{}}
	mail.Limits = []Limit{{Source: netip.MustParsePrefix("2001:db8:bad:cafe::/64"), Held: 400, Max: 20, Refusing: true,
		Since: night(3, 2, 9, 0), LeaseLeft: Duration(29 * time.Second), Rule: "connections.per_source", Measured: 400, Threshold: 20}}
	mail.LimitsTotal = 1
	s.Kernel.CookiesSentPerS, s.Kernel.CookiesValidPerS, s.Kernel.CookiesFailedPerS = 40211.5, 12.25, 0.5
	s.Kernel.ListenOverflows = 9181
	s.Table = Table{Present: true, Owned: true, Conntrack: ConntrackOurs, Features: []string{"table owner"},
		Fallbacks: []string{"refuse set elements are removed and added again (no element timeout update, Linux 6.12)"}}
	return s
}

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
	s.Reload = &Reload{At: night(2, 0, 0, 0), Error: "config.toml:12: service[0].ports: 70000 is not a port (1 to 65535)\nconfig.toml:14: mode: \"on\" is not a mode (\"shadow\" or \"enforce\")"}
	return s
}

// nasty carries what an attacker of the reader's terminal would like to see printed.
func nasty() *Status {
	s := attack()
	const evil = "\x1b]0;owned\a\x1b[2J\r\nroot# \u202egnp.exe\u0085\u200b a\u0301\xff \U000e0041"
	s.Version, s.PolicyFile, s.State = evil, evil, State(evil)
	w := &s.Services[0]
	w.Name, w.Ports = evil, evil
	w.Attack.ID, w.Attack.Kind = evil, evil
	w.Limits[0].Rule = evil
	w.Listeners[0].Local = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(evil), 443)
	w.Addresses = []netip.Addr{netip.MustParseAddr("fe80::1").WithZone(evil)}
	s.Table.Features, s.Table.Fallbacks = []string{evil}, []string{evil}
	s.Faults = []Fault{{Part: evil, Text: evil, Since: night(3, 0, 0, 0)}}
	s.Reload = &Reload{At: night(3, 0, 0, 0), Error: evil}
	return s
}
