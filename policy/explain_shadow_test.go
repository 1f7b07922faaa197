package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExplainInShadowMode says what would be, of limits, blocks and rates alike.
func TestExplainInShadowMode(t *testing.T) {
	p := explainedPolicy()
	p.Services[0].Mode = Shadow
	source := netip.MustParsePrefix("203.0.113.9/32")
	limit := Limit{Service: "web", Source: source, Held: 150, Max: 100, Refuse: true, Close: true, Since: explained.Add(-4 * time.Second),
		Until: explained.Add(29 * time.Second), Reason: Reason{Rule: "connections.per_source", Measured: 150, Threshold: 100}}
	for name, c := range map[string]struct {
		d    Decision
		want string
	}{
		"limited": {Decision{Limits: []Limit{limit}}, "150 of 100 held (connections.per_source): new connections would be refused, 50 would be closed, those with the least " +
			"progress first; would be blocked for 10m if that goes on for another 6s"},
		"blocked": {Decision{Blocks: []Block{{Service: "web", Source: source, Until: explained.Add(time.Minute)}}}, "would be blocked for another 1m"},
		"free":    {Decision{}, "nothing tells what is held: new connections would be refused from 100 on"},
		"dropped": {Decision{Drops: []SYNDrop{{Service: "web", Source: source}}}, "SYNs beyond 200 a second would be dropped while"},
	} {
		_, web := explainWeb(p, &State{}, &c.d, nil, "203.0.113.9")
		if !slices.ContainsFunc(web.Next, func(n string) bool { return strings.HasPrefix(n, c.want) }) {
			t.Errorf("%s: %q lacks %q", name, web.Next, c.want)
		}
		for _, n := range web.Next {
			if strings.Contains(n, " are refused") || strings.Contains(n, " are closed") || strings.Contains(n, " are dropped") || strings.HasPrefix(n, "refused") || strings.HasPrefix(n, "blocked") {
				t.Errorf("%s: %q is told as if it were so", name, n)
			}
		}
	}
}

// TestExplainWhoWasJustFreed: unblocked, the source still holds what it held.
func TestExplainWhoWasJustFreed(t *testing.T) {
	p := mustParse(t, "mode = \"enforce\"\n"+web+"connections.per_source = 100\n")
	at := Instant(time.Minute)
	source := netip.MustParsePrefix("198.51.100.7/32")
	o := Observation{At: at, Census: Census{Taken: true, Complete: true, From: at, Services: []ServiceCensus{{Service: "web", Held: 150, Sources: []SourceCensus{{Source: source, Held: 150}}}}}}
	seen := &Sight{Census: o.Census}
	s, d := Step(p, State{At: 1, Begun: 1}, o)
	if e := Explain(p, &s, &d, seen, source.Addr()).Services[0]; e.Due || len(e.Limits) != 1 {
		t.Fatalf("before: due %v, limits %+v", e.Due, e.Limits)
	}
	s, d = Step(p, s, Observation{At: at + 1, Orders: []Order{{Kind: OrderUnblock, Block: HandBlock{Source: source}}}})
	e := Explain(p, &s, &d, seen, source.Addr()).Services[0]
	if !e.Due || len(e.Limits) != 0 || e.Next[0] != "150 of 100 held: enough to be limited by the next census" {
		t.Errorf("due %v, limits %+v, next %q", e.Due, e.Limits, e.Next)
	}
}

// TestExplainAnAdministratorsOtherPorts: exempt on sshd's ports alone, which is all of a service or a part of it.
func TestExplainAnAdministratorsOtherPorts(t *testing.T) {
	p := explainedPolicy()
	p.Services[1].Ports = append(p.Services[1].Ports, PortRange{8443, 8443})
	admin := netip.MustParseAddr("203.0.113.9")
	for _, ports := range [][]uint16{{22}, {22, 8443}} {
		d := Decision{At: explained, SSH: SSH{Ports: ports, Admins: []netip.Addr{admin}}}
		e := Explain(p, &State{}, &d, nil, admin).Services[0]
		if len(e.Exempt) != 1 || e.Partly != (len(ports) == 1) {
			t.Errorf("sshd on %v: exempt %q, partly %v", ports, e.Exempt, e.Partly)
		}
	}
}
