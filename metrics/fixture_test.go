package metrics

import (
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

func at(hour, minute, second int) control.Time {
	return control.TimeOf(time.Date(2026, 3, 14, hour, minute, second, 0, time.UTC))
}

// busy is a status with something in every field that is shown.
func busy() *control.Status {
	elements := 81
	begun := func(counts ...uint64) (out []control.KindCount) {
		for i, k := range policy.Kinds() {
			out = append(out, control.KindCount{Kind: k, Count: counts[i]})
		}
		return out
	}
	return &control.Status{
		At: at(3, 2, 10), Version: "1.2.3", PID: 4711, Started: at(1, 0, 0), PolicyFile: "/etc/ebbgate/config.toml", State: control.StateDegraded,
		Services: []control.Service{{
			Name: "web", Mode: policy.Enforce, Ports: "80,443", Capacity: 2500, PerSource: 100, NewPerSource: 50, SYNPerSource: 200,
			Held: 2104, Unread: 12, HalfOpen: 14, Sources: 830,
			Listeners: []control.Listener{{Local: netip.MustParseAddrPort("0.0.0.0:443"), Queue: 129, Backlog: 128},
				{Local: netip.MustParseAddrPort("[::]:443"), Queue: 64, Backlog: 127}},
			Attacks: []control.Attack{{ID: "3", Service: "web", Kind: policy.ConnectionFlood}, {ID: "4", Service: "web", Kind: policy.SlowApplication}},
			Limits:  []control.Limit{{Source: netip.MustParsePrefix("203.0.113.7/32")}}, LimitsTotal: 1400, BlocksTotal: 3, DroppedSources: 2,
			Share: &control.Share{Limit: 40, Least: 2}, Proxy: &control.Proxy{Answering: true},
			Endings: &control.Endings{PerS: 5211.5}, SYNs: &control.SYNMeter{PerS: 40900},
			RefusedPackets: 18211, BlockedPackets: 4001, DroppedPackets: 77, ProxiedPackets: 41210, ClosedConnections: 1304, BlocksBegun: 5,
			Begun: begun(1, 7, 0, 2, 0, 4),
		}, {
			Name: "mail", Mode: policy.Shadow, Ports: "25", Held: 1, Sources: 1, Proxy: &control.Proxy{Lacks: "conntrack"}, Begun: begun(0, 0, 0, 0, 0, 0),
		}},
		Kernel: control.Kernel{CurrEstab: 2110, SynCookies: 1, CookiesMissing: true, ListenOverflows: 9181, ListenDrops: 9200, SYNDrops: 31, Opens: 812345,
			CookiesSent: 40211, CookiesValid: 12, CookiesFailed: 7, ConntrackCount: 200, ConntrackMax: 262144},
		Table: control.Table{Present: true, Owned: true, Conntrack: control.ConntrackOurs, Sets: []control.Set{
			{Name: "web_block4", Elements: &elements, Size: 100}, {Name: "web_conn4", Size: 200}, {Name: "web_refuse4", Elements: &elements, Size: 200}}},
		Census: control.Census{Taken: at(3, 2, 9), Age: control.Duration(time.Second), Sockets: 2230, CPU: control.Duration(1312 * time.Microsecond),
			Complete: true, Count: 4012, CPUTotal: control.Duration(5250 * time.Millisecond)},
		Turns: control.Turns{Count: 40, Last: control.Duration(time.Millisecond), Longest: control.Duration(2 * time.Second), Sum: control.Duration(2100 * time.Millisecond),
			Within: []control.Within{{Length: control.Duration(time.Millisecond), Count: 38}, {Length: control.Duration(time.Second), Count: 39}}},
		Exempt: []control.Exempt{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}},
		Faults: []control.Fault{{Part: "table", Text: "refused"}, {Part: "of the future", Text: "broken"}, {Part: "and another", Text: "broken"}},
		Reload: &control.Reload{At: at(2, 0, 0), Error: "config.toml:12: wrong"},
	}
}

// starting is a status of the first turn, on a kernel that tells little.
func starting() *control.Status {
	return &control.Status{At: at(1, 0, 0), Version: "1.2.3", Started: at(1, 0, 0), State: control.StatePeace,
		Services: []control.Service{{Name: "web", Mode: policy.Shadow}}, Kernel: control.Kernel{SynCookies: -1},
		Table: control.Table{Conntrack: control.ConntrackOff}}
}
