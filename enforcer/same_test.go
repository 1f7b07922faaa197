package enforcer

import (
	"net/netip"
	"testing"

	"ebbgate/policy"
)

// TestSame: decisions that differ in what they ask for are never the same, or the kernel would not hear
// of it; those that differ in their evidence alone are.
func TestSame(t *testing.T) {
	tests := []struct {
		name string
		edit func(*policy.Decision)
		same bool
	}{
		{"nothing", func(d *policy.Decision) {}, true},
		{"later", func(d *policy.Decision) { d.At += second }, true},
		{"newer evidence for a limit", func(d *policy.Decision) { d.Limits[0].Held, d.Limits[0].Until = 7, 35*second }, true},
		{"newer evidence for a watched source", func(d *policy.Decision) { d.Watched[0].Until += second }, true},
		{"a lease of a meter", func(d *policy.Decision) { d.Meters[0].Until += second }, true},
		{"a block that still holds connections", func(d *policy.Decision) { d.Blocks[0].Close = true }, true},
		{"an event", func(d *policy.Decision) { d.Events = []policy.Event{{Kind: policy.AttackBegan}} }, true},
		{"a limit is gone", func(d *policy.Decision) { d.Limits = d.Limits[1:] }, false},
		{"a limit of another source", func(d *policy.Decision) { d.Limits[0].Source = netip.MustParsePrefix("192.0.2.99/32") }, false},
		{"a limit of another service", func(d *policy.Decision) { d.Limits[0].Service = "mail" }, false},
		{"a limit refuses", func(d *policy.Decision) { d.Limits[0].Refuse = !d.Limits[0].Refuse }, false},
		{"a limit is no longer exact", func(d *policy.Decision) { d.Limits[0].Exact = !d.Limits[0].Exact }, false},
		{"a watched source", func(d *policy.Decision) { d.Watched = d.Watched[1:] }, false},
		{"a block", func(d *policy.Decision) { d.Blocks = d.Blocks[1:] }, false},
		{"a block lasts longer", func(d *policy.Decision) { d.Blocks[0].Until += second }, false},
		{"a drop", func(d *policy.Decision) { d.Drops = d.Drops[1:] }, false},
		{"a meter's rate", func(d *policy.Decision) { d.Meters[0].Max++ }, false},
		{"a lease of a proxy", func(d *policy.Decision) { d.Proxies[0].Until += second }, true},
		{"a proxy's segments", func(d *policy.Decision) { d.Proxies[0].MSS4-- }, false},
		{"a proxy that drains", func(d *policy.Decision) { d.Proxies[0].Until = 0 }, false},
		{"a proxy", func(d *policy.Decision) { d.Proxies = nil }, false},
		{"an exemption", func(d *policy.Decision) { d.Exempt = nil }, false},
		{"an administrator", func(d *policy.Decision) { d.SSH.Admins = nil }, false},
		{"a port of sshd", func(d *policy.Decision) { d.SSH.Ports = d.SSH.Ports[1:] }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := everyAnswer(), everyAnswer()
			tt.edit(b)
			if got := Same(a, b); got != tt.same {
				t.Errorf("Same: %v, want %v", got, tt.same)
			}
		})
	}
}

func everyAnswer() *policy.Decision {
	d := ladder(0)
	d.Watched = append(d.Watched, flood("web", 30*second).Watched...)
	d.Proxies = proxying(30 * second).Proxies
	return d
}

// TestSameMeansTheSameRules: whatever Same takes for the same compiles to the same rules and sources.
func TestSameMeansTheSameRules(t *testing.T) {
	a, b := everyAnswer(), everyAnswer()
	b.At += second
	for i := range b.Limits {
		b.Limits[i].Until += second
	}
	if !Same(a, b) {
		t.Fatal("they differ in their leases alone, and are not the same")
	}
	x, y := withoutTimes(Compile(prefixed(), a, Environment{})), withoutTimes(Compile(prefixed(), b, Environment{}))
	if d := rulesetDiff(x, y); d != "" {
		t.Error(d)
	}
}
