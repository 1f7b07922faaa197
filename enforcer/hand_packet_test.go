package enforcer

import (
	"net/netip"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// byHand blocks sources as the operator orders it: of lengths no policy knows, with sources of their own,
// an office and exempt addresses within.
func byHand(until policy.Instant) *policy.Decision {
	d := &policy.Decision{At: boottime.Now(), Exempt: rungExemptions()}
	for _, s := range prefixes("10.66.6.0/23", "10.66.32.0/19", "10.66.64.7/32", "fd66::/59", "fd66:0:0:300::40/122") {
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: s, Mode: policy.Enforce, Since: d.At, Until: until,
			Reason: policy.Reason{Rule: policy.RuleByHand}})
	}
	return d
}

// TestABlockByHandHolds: whatever its length, also for those with limits of their own, and never for who is
// exempt. Those beside it pass.
func TestABlockByHandHolds(t *testing.T) {
	f := newField(t)
	f.apply(t, rungPolicy(), byHand(boottime.Now()+300*second))
	for from, want := range map[string]int{
		"10.66.6.1": 0, "10.66.7.1": 0, "10.66.7.200": 0, "10.66.5.255": 1, "10.66.8.1": 1, // a /23, an office within
		"10.66.7.8": 1, "10.66.7.9": 1, // exempt by hand, and by the policy
		"10.66.40.1": 0, "10.66.63.254": 0, "10.66.64.1": 1, "10.66.64.7": 0,
		"fd66:0:0:1::1": 0, "fd66:0:0:1::5": 0, "fd66:0:0:1::100": 0, "fd66:0:0:1::8": 1, "fd66:0:0:1f::1": 0, "fd66:0:0:20::1": 1,
		"fd66:0:0:300::41": 0, "fd66:0:0:300::80": 1,
	} {
		if got := f.open(t, from, 80, 1); got != want {
			t.Errorf("%s: %d opened, want %d", from, got, want)
		}
	}
	if c := f.counts(t); c.Blocked == 0 {
		t.Errorf("counts %+v, want blocked packets", c)
	}
	f.apply(t, rungPolicy(), blocks(boottime.Now()+300*second))
	if got := f.open(t, "10.66.40.1", 80, 1); got != 1 {
		t.Error("the operator ended it, and it still holds")
	}
	if have := f.table.Have().Ruleset; findSet(&have, "web_hand4p19") != nil {
		t.Error("the set of a length nobody is blocked by any more is still there")
	}
}

// TestBlocksByHandAreInherited as what they are, from what the kernel lists.
func TestBlocksByHandAreInherited(t *testing.T) {
	tb := open(t)
	p, now := prefixed(), boottime.Now()
	p.Exempt = policy.Exempt{}
	d := byHand(now + 300*second)
	d.Exempt = nil
	apply(t, tb, p, d)
	r, err := tb.readBack()
	if err != nil {
		t.Fatal(err)
	}
	got := Inherited(&r)
	if len(got) != len(d.Blocks) {
		t.Fatalf("of %d blocks %v are inherited", len(d.Blocks), got)
	}
	for i, b := range got {
		if !b.ByHand || b.Source != d.Blocks[i].Source || b.Service != "web" {
			t.Errorf("inherited is %+v, decided was %v", b, d.Blocks[i].Source)
		}
	}
}

// TestHandSetsAreRemembered: a compiler with a memory comes to the same as one without.
func TestHandSetsAreRemembered(t *testing.T) {
	var m Compiler
	p, d := rungPolicy(), byHand(policy.Instant(300*second))
	d.At = 1
	first := m.Compile(p, d, Environment{})
	again := m.Compile(p, d, Environment{})
	plain := Compile(p, d, Environment{})
	for name, r := range map[string]Ruleset{"the first time": first, "from memory": again} {
		if r.Format(1) != plain.Format(1) {
			t.Errorf("%s:\n%s\nwithout a memory:\n%s", name, r.Format(1), plain.Format(1))
		}
	}
	if s := findSet(&again, "web_hand4p23"); s == nil || len(s.Elements) != 1 || s.Elements[0].Key != addrKey(netip.MustParseAddr("10.66.6.0")) {
		t.Errorf("the set of a length the policy does not know is %+v", s)
	}
}
