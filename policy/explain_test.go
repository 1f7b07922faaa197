package policy

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const explained = Instant(time.Hour)

// explainedPolicy is what the tests of Explain start from.
func explainedPolicy() *Policy {
	return &Policy{
		Exempt:  Exempt{Prefixes: prefixList("192.0.2.0/28", "2001:db8:1::/48")},
		Observe: Observe{IPv6Source: 64, SYNPressure: 50000},
		Services: []Service{
			{Name: "web", Mode: Enforce, Ports: []PortRange{{80, 80}},
				Connections: Connections{PerSource: 100, PerPrefix: []PrefixLimit{{Bits: 24, Max: 400}, {Bits: 16, Max: 900}, {IPv6: true, Bits: 48, Max: 300}}},
				Rate:        Rate{SYNPerSource: 200, NewPerSource: 50},
				Overrides: []Override{{Prefix: netip.MustParsePrefix("198.51.100.64/26"), PerSource: 2000},
					{Prefix: netip.MustParsePrefix("198.51.0.0/16"), NewPerSource: 500}},
				Response: Response{Lease: 30 * time.Second, Quiet: time.Minute, BlockAfter: 10 * time.Second,
					BlockFor: []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}}},
			{Name: "admin", Mode: Shadow, Ports: []PortRange{{22, 22}}},
		},
	}
}

func prefixList(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// webCensus counts sources of web, in any order.
func webCensus(complete bool, counts map[string]int) Census {
	svc := ServiceCensus{Service: "web"}
	for source, held := range counts {
		svc.Sources = append(svc.Sources, SourceCensus{Source: netip.MustParsePrefix(source), Held: held})
		svc.Held += held
	}
	return Census{Taken: true, Complete: complete, From: explained - Instant(time.Second), Services: []ServiceCensus{{Service: "admin"}, svc}}
}

// explainWeb explains an address and returns what is said of web.
func explainWeb(p *Policy, s *State, d *Decision, seen *Sight, addr string) (Explanation, ServiceExplanation) {
	d.At = explained
	e := Explain(p, s, d, seen, netip.MustParseAddr(addr))
	return e, e.Services[1]
}

func TestExplainListsServicesByName(t *testing.T) {
	e := Explain(explainedPolicy(), &State{}, &Decision{At: explained}, nil, netip.MustParseAddr("::ffff:203.0.113.9"))
	if e.Addr != netip.MustParseAddr("203.0.113.9") {
		t.Errorf("address %v is not unmapped", e.Addr)
	}
	if len(e.Services) != 2 || e.Services[0].Service != "admin" || e.Services[1].Service != "web" {
		t.Fatalf("services %+v", e.Services)
	}
	if got := e.Services[1]; got.Mode != Enforce || got.Source != netip.MustParsePrefix("203.0.113.9/32") {
		t.Errorf("web: mode %v, source %v", got.Mode, got.Source)
	}
	if v6 := Explain(explainedPolicy(), &State{}, &Decision{}, nil, netip.MustParseAddr("2001:db8:9:1::7%eth0")); v6.Services[0].Source != netip.MustParsePrefix("2001:db8:9:1::/64") || v6.Addr.Zone() != "" {
		t.Errorf("IPv6: address %v counts for %v", v6.Addr, v6.Services[0].Source)
	}
}

func TestExplainExemptions(t *testing.T) {
	operator := []Exemption{
		{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Until: explained.Add(12 * time.Minute), Reason: "load test"},
		{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Service: "web"},
	}
	admins := SSH{Ports: []uint16{22, 2222}, Admins: []netip.Addr{netip.MustParseAddr("198.51.100.7")}}
	both := func(p *Policy) { p.Services[1].Ports = []PortRange{{22, 22}, {443, 443}} }
	for name, c := range map[string]struct {
		addr   string
		change func(*Policy)
		seenAt Instant
		all    []string // of every service
		web    []string
		admin  []string
		freeAt []string // services where nothing would happen
	}{
		"nothing":                  {addr: "198.51.100.9"},
		"the policy's prefix":      {addr: "192.0.2.3", all: []string{"the policy exempts 192.0.2.0/28"}, freeAt: []string{"admin", "web"}},
		"the policy's IPv6 prefix": {addr: "2001:db8:1:7::1", all: []string{"the policy exempts 2001:db8:1::/48"}, freeAt: []string{"admin", "web"}},
		"the operator's, of all and of one": {addr: "203.0.113.9",
			all:    []string{"the operator exempts 203.0.113.0/24 for another 12m: load test"},
			web:    []string{"the operator exempts 203.0.113.9 of web until ebbgate ends"},
			freeAt: []string{"admin", "web"}},
		"an administrator logged in": {addr: "198.51.100.7", seenAt: explained,
			admin: []string{"an administrator is logged in from it: on port 22, where sshd listens"}, freeAt: []string{"admin"}},
		"an administrator who left": {addr: "198.51.100.7", seenAt: explained.Add(-3 * time.Minute),
			admin:  []string{"an administrator was logged in from it 3m ago, it stays exempt for another 7m: on port 22, where sshd listens"},
			freeAt: []string{"admin"}},
		"an administrator, but the service has other ports": {addr: "198.51.100.7", seenAt: explained, change: both,
			admin: []string{"an administrator is logged in from it: on port 22, where sshd listens"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := explainedPolicy()
			if c.change != nil {
				c.change(p)
			}
			s := State{Admins: []AdminState{{Addr: netip.MustParseAddr("198.51.100.7"), SeenAt: c.seenAt}}}
			e, web := explainWeb(p, &s, &Decision{Exempt: operator, SSH: admins}, nil, c.addr)
			got := [][]string{e.Exempt, web.Exempt, e.Services[0].Exempt}
			if diff := cmp.Diff([][]string{c.all, c.web, c.admin}, got); diff != "" {
				t.Errorf("reasons differ (-want +got):\n%s", diff)
			}
			var free []string
			for _, sv := range e.Services {
				if len(sv.Next) == 1 && sv.Next[0] == "exempt: nothing" {
					free = append(free, sv.Service)
				}
				if sv.NextFor != 0 && len(sv.Next) == 1 && sv.Next[0] == "exempt: nothing" {
					t.Errorf("%s: exempt, and yet the next block would last %v", sv.Service, sv.NextFor)
				}
			}
			if diff := cmp.Diff(c.freeAt, free); diff != "" {
				t.Errorf("exempt services differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExplainHeld(t *testing.T) {
	rest := webCensus(true, map[string]int{"203.0.113.9/32": 12})
	rest.Services[1].Rest = Rest{Sources: 4, Held: 9}
	for name, c := range map[string]struct {
		seen  *Sight
		addr  string
		known bool
		held  int
		next  string
	}{
		"no sight at all":                  {nil, "203.0.113.9", false, 0, "nothing tells what is held: new connections are refused from 100 on"},
		"no census":                        {&Sight{}, "203.0.113.9", false, 0, "nothing tells what is held: new connections are refused from 100 on"},
		"counted":                          {&Sight{Census: webCensus(true, map[string]int{"203.0.113.9/32": 12})}, "203.0.113.9", true, 12, "12 of 100 held: 88 more until new connections are refused"},
		"at its limit":                     {&Sight{Census: webCensus(true, map[string]int{"203.0.113.9/32": 100})}, "203.0.113.9", true, 100, "100 of 100 held: enough to be limited by the next census"},
		"absent":                           {&Sight{Census: webCensus(true, nil)}, "203.0.113.9", true, 0, "0 of 100 held: 100 more until new connections are refused"},
		"counted in an incomplete census":  {&Sight{Census: webCensus(false, map[string]int{"203.0.113.9/32": 12})}, "203.0.113.9", true, 12, "12 of 100 held: 88 more until new connections are refused"},
		"absent from an incomplete census": {&Sight{Census: webCensus(false, nil)}, "203.0.113.9", false, 0, "nothing tells what is held: new connections are refused from 100 on"},
		"absent where some were not kept":  {&Sight{Census: rest}, "203.0.113.10", false, 0, "nothing tells what is held: new connections are refused from 100 on"},
		"the service was not counted":      {&Sight{Census: Census{Taken: true, Complete: true}}, "203.0.113.9", false, 0, "nothing tells what is held: new connections are refused from 100 on"},
		"IPv6 by its source":               {&Sight{Census: webCensus(true, map[string]int{"2001:db8:9:1::/64": 7})}, "2001:db8:9:1:2:3:4:5", true, 7, "7 of 100 held: 93 more until new connections are refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, web := explainWeb(explainedPolicy(), &State{}, &Decision{}, c.seen, c.addr)
			if web.Known != c.known || web.Held != c.held || web.Max != 100 || web.Rule != "connections.per_source" {
				t.Errorf("known %v, %d of %d held by %s", web.Known, web.Held, web.Max, web.Rule)
			}
			if wantAt := c.known; wantAt != (web.Counted == explained-Instant(time.Second)) {
				t.Errorf("counted at %v", web.Counted)
			}
			if web.Next[0] != c.next {
				t.Errorf("next %q, want %q", web.Next[0], c.next)
			}
		})
	}
}

func TestExplainLimitThatApplies(t *testing.T) {
	for addr, want := range map[string]struct {
		max, rate      int
		rule, rateRule string
	}{
		"203.0.113.9":    {100, 50, "connections.per_source", "rate.new_per_source"},
		"198.51.100.70":  {2000, 50, "override.per_source", "rate.new_per_source"},
		"198.51.100.128": {100, 500, "connections.per_source", "override.new_per_source"},
	} {
		_, web := explainWeb(explainedPolicy(), &State{}, &Decision{}, nil, addr)
		if web.Max != want.max || web.Rule != want.rule || web.MaxRate != want.rate || web.RateRule != want.rateRule {
			t.Errorf("%s: %d by %q, %d a second by %q; want %+v", addr, web.Max, web.Rule, web.MaxRate, web.RateRule, want)
		}
	}
	admin := Explain(explainedPolicy(), &State{}, &Decision{}, nil, netip.MustParseAddr("203.0.113.9")).Services[0]
	if admin.Max != 0 || admin.Rule != "" || admin.MaxRate != 0 || admin.RateRule != "" || admin.NextFor != 0 {
		t.Errorf("a service without limits: %+v", admin)
	}
	want := []string{"shadow mode: what follows is counted and reported only, every packet passes", "no limit on the connections of one source"}
	if diff := cmp.Diff(want, admin.Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
}

func TestExplainPrefixes(t *testing.T) {
	seen := &Sight{Census: webCensus(true, map[string]int{
		"203.0.113.9/32": 12, "203.0.113.10/32": 250, "203.0.200.1/32": 60, // the second counts up to its own limit
		"203.0.113.77/32": 40, "203.0.113.128/32": 30, // exempt by the operator; by the policy
		"198.51.100.70/32": 900, "198.51.1.1/32": 5, // with an override
		"2001:db8:9:1::/64": 90, "2001:db8:9:2::/64": 100, "2001:db8:8:1::/64": 3,
	})}
	p := explainedPolicy()
	p.Exempt.Prefixes = append(p.Exempt.Prefixes, prefixList("203.0.113.128/25")...)
	d := &Decision{Exempt: []Exemption{{Prefix: netip.MustParsePrefix("203.0.113.77/32"), Service: "web"}, {Prefix: netip.MustParsePrefix("203.0.113.9/32"), Service: "admin"}}}
	for addr, want := range map[string][]PrefixExplanation{
		"203.0.113.200": {{netip.MustParsePrefix("203.0.113.0/24"), 112, 2, 400}, {netip.MustParsePrefix("203.0.0.0/16"), 172, 3, 900}},
		"2001:db8:9::1": {{netip.MustParsePrefix("2001:db8:9::/48"), 190, 2, 300}},
		"198.51.100.71": nil, // under an override
		"192.168.1.1":   {{netip.MustParsePrefix("192.168.1.0/24"), 0, 0, 400}, {netip.MustParsePrefix("192.168.0.0/16"), 0, 0, 900}},
	} {
		_, web := explainWeb(p, &State{}, d, seen, addr)
		if diff := cmp.Diff(want, web.Prefixes, comparePrefixes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
	_, web := explainWeb(p, &State{}, d, seen, "203.0.113.9")
	if diff := cmp.Diff([]string{
		"12 of 100 held: 88 more until new connections are refused",
		"203.0.113.0/24: 112 of 400 held by 2 sources: 288 more until the prefix is limited",
		"203.0.0.0/16: 172 of 900 held by 3 sources: 728 more until the prefix is limited",
	}, web.Next[:3]); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
}

func TestExplainRate(t *testing.T) {
	source := netip.MustParsePrefix("203.0.113.9/32")
	counted := func(change func(*Endings)) *Sight {
		n := Endings{Taken: true, Span: 2 * time.Second, Services: []ServiceEndings{{Service: "web", Ended: 30, Sources: []SourceEndings{{Source: source, Ended: 30}}}}}
		if change != nil {
			change(&n)
		}
		return &Sight{Endings: n}
	}
	for name, c := range map[string]struct {
		seen  *Sight
		addr  string
		known bool
		rate  float64
		next  string
	}{
		"counted":                  {counted(nil), "203.0.113.9", true, 15, "15.0 connections a second ended: refused for a while above 50"},
		"counted, but some missed": {counted(func(n *Endings) { n.Lost = 1 }), "203.0.113.9", true, 15, "15.0 connections a second ended: refused for a while above 50"},
		"absent":                   {counted(nil), "203.0.113.10", true, 0, "0.0 connections a second ended: refused for a while above 50"},
		"absent, some lost":        {counted(func(n *Endings) { n.Lost = 1 }), "203.0.113.10", false, 0, "nothing tells how fast connections are opened: refused for a while above 50 a second"},
		"absent, paused":           {counted(func(n *Endings) { n.Paused = 1 }), "203.0.113.10", false, 0, "nothing tells how fast connections are opened: refused for a while above 50 a second"},
		"absent, some not kept":    {counted(func(n *Endings) { n.Services[0].Rest.Sources = 1 }), "203.0.113.10", false, 0, "nothing tells how fast connections are opened: refused for a while above 50 a second"},
		"nothing counted":          {&Sight{}, "203.0.113.9", false, 0, "nothing tells how fast connections are opened: refused for a while above 50 a second"},
		"no time at all":           {counted(func(n *Endings) { n.Span = 0 }), "203.0.113.9", false, 0, "nothing tells how fast connections are opened: refused for a while above 50 a second"},
	} {
		t.Run(name, func(t *testing.T) {
			_, web := explainWeb(explainedPolicy(), &State{}, &Decision{}, c.seen, c.addr)
			if web.RateKnown != c.known || web.Rate != c.rate {
				t.Errorf("known %v, %v a second", web.RateKnown, web.Rate)
			}
			if last := web.Next[len(web.Next)-1]; last != c.next {
				t.Errorf("next %q, want %q", last, c.next)
			}
		})
	}
}

func TestExplainSYNs(t *testing.T) {
	listed := func(proven bool) *Sight {
		return &Sight{SYNs: []SYNMeter{
			{Service: "admin", Sources: []SYNSource{{Source: netip.MustParsePrefix("203.0.113.9/32"), Over: 1}}},
			{Service: "web", Sources: []SYNSource{{Source: netip.MustParsePrefix("203.0.113.9/32"), Over: 700, Proven: proven}}}}}
	}
	dropped := []SYNDrop{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32")}}
	for name, c := range map[string]struct {
		seen   *Sight
		drops  []SYNDrop
		over   uint64
		proven bool
		next   string
	}{
		"not listed": {&Sight{}, nil, 0, false, ""},
		"listed":     {listed(false), nil, 700, false, "SYNs beyond 200 a second pass until the host takes more than 50000 a second in all"},
		"proven":     {listed(true), nil, 700, true, "SYNs beyond its rate pass: it completed a handshake, they may be forged in its name"},
		"dropped":    {listed(false), dropped, 700, false, "SYNs beyond 200 a second are dropped while the host takes more than 50000 a second in all"},
	} {
		t.Run(name, func(t *testing.T) {
			_, web := explainWeb(explainedPolicy(), &State{}, &Decision{Drops: c.drops}, c.seen, "203.0.113.9")
			if web.SYNsOver != c.over || web.Proven != c.proven || web.Dropped != (c.drops != nil) {
				t.Errorf("over %d, proven %v, dropped %v", web.SYNsOver, web.Proven, web.Dropped)
			}
			if text := strings.Join(web.Next, "\n"); strings.Contains(text, "SYN") != (c.next != "") || !strings.Contains(text, c.next) {
				t.Errorf("next %q, want %q", text, c.next)
			}
		})
	}
}

// TestExplainChangesNothing keeps Explain from sorting or appending to what it was given.
func TestExplainChangesNothing(t *testing.T) {
	p := explainedPolicy()
	s := State{Blocks: []BlockState{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32"), Strikes: 1}}}
	d := Decision{At: explained, Exempt: []Exemption{{Prefix: netip.MustParsePrefix("203.0.113.0/24")}}}
	seen := Sight{Census: webCensus(true, map[string]int{"203.0.113.9/32": 3, "198.51.100.1/32": 4, "203.0.113.10/32": 5})}
	record := func() string {
		b, err := json.Marshal([]any{p, s, d, seen})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	before := record()
	first := Explain(p, &s, &d, &seen, netip.MustParseAddr("203.0.113.9"))
	second := Explain(p, &s, &d, &seen, netip.MustParseAddr("203.0.113.9"))
	if record() != before {
		t.Error("Explain changed its arguments")
	}
	if diff := cmp.Diff(first, second, comparePrefixes, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("two explanations differ:\n%s", diff)
	}
}
