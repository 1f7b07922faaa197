package compare

import (
	"fmt"
	"net/netip"
	"time"

	"ebbgate/enforcer"
	"ebbgate/internal/boottime"
	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// Rules are what lies in the packets' way.
type Rules string

// The rules that are compared.
const (
	NoRules Rules = "no rules" // of anybody
	Peace   Rules = "peace"    // ebbgate's, with no attack
	Shadow  Rules = "shadow"   // ebbgate's in the middle of an attack: it counts and passes
	Enforce Rules = "enforce"  // likewise, and acts
)

func allRules() []Rules { return []Rules{NoRules, Peace, Shadow, Enforce} }

// Sources of the packets: neither is a client's.
func blockedSource() netip.Addr { return lab.SpoofRange().IPv4(1)[0] }
func meteredSource() netip.Addr { return lab.SpoofRange().IPv4(2)[1] }
func randomSources() []netip.Addr {
	const n = 60_000
	return lab.SpoofRange().IPv4(n + 2)[2:]
}

// ratePolicy has one service, with every limit there is.
func ratePolicy(mode policy.Mode) *policy.Policy {
	return &policy.Policy{
		Exempt:  policy.Exempt{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}},
		Observe: policy.Observe{MaxSources: policy.DefaultMaxSources, IPv6Source: 64},
		Limits:  policy.Limits{MaxBlocks: policy.DefaultMaxBlocks},
		Services: []policy.Service{{
			Name: "shop", Mode: mode,
			Ports:       []policy.PortRange{{First: demo.ServicePort, Last: demo.ServicePort}},
			Capacity:    demo.Capacity,
			Connections: policy.Connections{PerSource: perSource, CloseExcess: true},
			Rate:        policy.Rate{SYNPerSource: synPerSource, NewPerSource: newPerSource},
			Response:    policy.Response{Lease: 30 * time.Second, Quiet: time.Minute},
		}},
	}
}

// rateDecision is what an attack that sends such traffic makes of it. Floods of SYNs are metered, and
// dropped of one source. A connection flood has sources refused, watched and blocked; established traffic
// of others is measured in the middle of one.
func rateDecision(t Traffic, mode policy.Mode, now policy.Instant) *policy.Decision {
	until := now + policy.Instant(5*time.Minute)
	d := &policy.Decision{At: now}
	switch t {
	case Metered:
		d.Drops = []policy.SYNDrop{{Service: "shop", Source: single(meteredSource()), Mode: mode, Until: until}}
		fallthrough
	case Random:
		d.Meters = []policy.Meter{{Service: "shop", Max: synPerSource, Until: until}}
	default:
		connectionFlood(d, mode, until)
	}
	return d
}

// connectionFlood answers one of 300 sources and another one.
func connectionFlood(d *policy.Decision, mode policy.Mode, until policy.Instant) {
	const each = 100
	for i, a := range append(lab.AttackRange().IPv4(3*each), blockedSource()) {
		switch {
		case i < each:
			d.Limits = append(d.Limits, policy.Limit{Service: "shop", Source: single(a), Mode: mode,
				Refuse: true, Exact: true, Held: 2 * perSource, Max: perSource, Until: until})
		case i < 2*each:
			d.Watched = append(d.Watched, policy.Watched{Service: "shop", Source: single(a), Mode: mode, Until: until})
		default:
			d.Blocks = append(d.Blocks, policy.Block{Service: "shop", Source: single(a), Mode: mode, Until: until})
		}
	}
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// install puts the rules against some traffic into the victim's kernel and returns the table that holds
// them: nil for no rules. Closing it removes them.
func install(victim *lab.Namespace, t Traffic, rules Rules) (*enforcer.Table, error) {
	mode, d := policy.Enforce, &policy.Decision{}
	switch rules {
	case NoRules:
		return nil, nil
	case Shadow:
		mode, d = policy.Shadow, rateDecision(t, policy.Shadow, boottime.Now())
	case Enforce:
		d = rateDecision(t, policy.Enforce, boottime.Now())
	}
	var table *enforcer.Table
	err := victim.Do(func() (err error) {
		table, err = enforcer.Open()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("install the rules %q: %w", rules, err)
	}
	plan := enforcer.Diff(table.Have(), enforcer.Compile(ratePolicy(mode), d, enforcer.Environment{}), boottime.Now())
	if err := table.Apply(plan); err != nil {
		_ = table.Close() // nothing is installed
		return nil, fmt.Errorf("install the rules %q: %w", rules, err)
	}
	return table, nil
}
