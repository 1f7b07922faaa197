package policy

import (
	"net/netip"
	"testing"
	"time"
)

// attackedState is the state of a policy with a limit of 100 under which one source holds 150.
func attackedState(t *testing.T) (*Policy, State) {
	t.Helper()
	p := &Policy{Observe: Observe{MaxSources: 1000, IPv6Source: 64}, Services: []Service{{Name: "web", Mode: Enforce,
		Ports: []PortRange{{First: 80, Last: 80}}, Connections: Connections{PerSource: 100, CloseExcess: true},
		Response: Response{Lease: 30 * time.Second, Quiet: time.Minute}}}}
	at := Instant(time.Second)
	s, d := Step(p, State{}, Observation{At: at, Census: Census{Taken: true, Complete: true, From: at, Services: []ServiceCensus{{
		Service: "web", Held: 150, Sources: []SourceCensus{{Source: netip.MustParsePrefix("198.51.100.7/32"), Held: 150}}}}}})
	if len(d.Limits) != 1 || len(d.Attacks) != 1 {
		t.Fatalf("limits %+v, attacks %+v", d.Limits, d.Attacks)
	}
	return p, s
}

// TestAnotherPolicyInTheMiddleOfAnAttack: what was evidence under the old policy need not be any
// under the new one.
func TestAnotherPolicyInTheMiddleOfAnAttack(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Policy)
		limits int
		why    string // of the attack's or the limit's end
	}{
		{"nothing that matters", func(p *Policy) { p.Services[0].Response.Lease *= 2 }, 1, ""},
		{"a lower limit", func(p *Policy) { p.Services[0].Connections.PerSource = 50 }, 1, ""},
		{"a higher one that was reached too", func(p *Policy) { p.Services[0].Connections.PerSource = 140 }, 1, ""},
		{"a limit that was never reached", func(p *Policy) { p.Services[0].Connections.PerSource = 200 }, 0, "the policy allows more now than it ever held"},
		{"no limit", func(p *Policy) { p.Services[0].Connections.PerSource = 0 }, 0, "the policy sets no limit any more"},
		{"exempt", func(p *Policy) { p.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} }, 0, "exempt"},
		{"other ports", func(p *Policy) { p.Services[0].Ports[0] = PortRange{First: 90, Last: 90} }, 0, "the service changed its ports or addresses"},
		{"other addresses", func(p *Policy) { p.Services[0].Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }, 0, "the service changed its ports or addresses"},
		{"the service is gone", func(p *Policy) { p.Services[0].Name = "shop" }, 0, "the service left the policy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, s := attackedState(t)
			tt.change(p)
			next, d := Step(p, s, Observation{At: s.At + 1})
			if len(d.Limits) != tt.limits || len(d.Attacks) != tt.limits {
				t.Errorf("limits %+v, attacks %+v; want %d", d.Limits, d.Attacks, tt.limits)
			}
			said := tt.why == ""
			ended := false
			for _, e := range d.Events {
				said = said || e.Why == tt.why
				ended = ended || e.Kind == AttackEnded && e.Attack == 1
			}
			if !said || ended != (tt.limits == 0) {
				t.Errorf("events %+v; want %q", d.Events, tt.why)
			}
			if tt.limits == 0 && len(next.Services) != 0 {
				t.Errorf("remembered: %+v", next.Services)
			}
		})
	}
}
