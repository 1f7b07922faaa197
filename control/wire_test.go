package control

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

const second = policy.Instant(time.Second)

// calendar is night(3, 2, 10, 0) at 100 s since boot.
func calendar() Calendar { return Calendar{Now: 100 * second, Wall: night(3, 2, 10, 0).Time} }

func TestCalendar(t *testing.T) {
	c := calendar()
	if got := c.Time(90 * second); !got.Equal(night(3, 2, 0, 0).Time) {
		t.Errorf("ten seconds ago is %v", got)
	}
	if got := c.Time(0); !got.IsZero() {
		t.Errorf("never is %v", got)
	}
	if left, gone := c.Left(130*second), c.Left(99*second); left.std() != 30*time.Second || gone != 0 {
		t.Errorf("left %v and %v, want 30s and 0", left, gone)
	}
}

func TestAttackOf(t *testing.T) {
	p := netip.MustParsePrefix("203.0.113.0/24")
	a := policy.Attack{ID: 7, Service: "web", Kind: policy.Churn, Mode: policy.Enforce, Began: 90 * second,
		Evidence: policy.Reason{Rule: "rate.new_per_source", Measured: 61, Threshold: 50}, Why: "why", PeakHeld: 1, PeakSources: 2, PeakRate: 3, Excess: 4,
		Blocked: 5, Top: []policy.PrefixCount{{Prefix: p, Sources: 6, Held: 7, Rate: 9}}, Changes: []policy.Change{{At: 95 * second, What: "w", Count: 8, Why: "y", Source: p, ByHand: true}},
		Dropped: 9, Ended: 100 * second, EndedWhy: "quiet"}
	want := Attack{ID: "7", Service: "web", Kind: policy.Churn, Mode: policy.Enforce, Since: night(3, 2, 0, 0),
		Evidence: "61 new connections a second, rate.new_per_source allows 50", Rule: "rate.new_per_source", Measured: 61, Threshold: 50, Why: "why",
		PeakHeld: 1, PeakSources: 2, PeakRate: 3, Excess: 4, Blocked: 5, Top: []PrefixCount{{Prefix: p, Sources: 6, Held: 7, PerS: 9}},
		Changes: []Change{{At: night(3, 2, 5, 0), What: "w", Count: 8, Why: "y", Source: p, ByHand: true}}, ChangesLost: 9, Ended: night(3, 2, 10, 0), EndedWhy: "quiet"}
	if d := cmp.Diff(want, AttackOf(&a, calendar()), compareNet); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := AttackOf(&policy.Attack{}, calendar()); !got.Since.IsZero() || !got.Ended.IsZero() || got.Evidence != "" || got.Top == nil || got.Changes == nil {
		t.Errorf("the zero attack: %+v", got)
	}
}

func TestOffenderOf(t *testing.T) {
	o := policy.Offender{Service: "web", Source: netip.MustParsePrefix("10.9.1.50/32"), Since: 90 * second,
		Reason: policy.Reason{Rule: "connections.per_source", Measured: 30, Threshold: 10, At: 95 * second}}
	want := &Offender{Source: o.Source, Since: night(3, 2, 0, 0), Rule: "connections.per_source", Measured: 30, Threshold: 10}
	if d := cmp.Diff(want, OffenderOf(&o, calendar()), compareNet); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestShareOf(t *testing.T) {
	svc := &policy.Service{Name: "web", Capacity: 2500}
	reason := policy.Reason{Rule: "capacity", Measured: 2490, Threshold: 2125}
	limits := []policy.Limit{
		{Service: "mail", Max: 1, Since: second, Reason: reason},
		{Service: "web", Max: 100, Since: second, Reason: policy.Reason{Rule: "connections.per_source"}},
		{Service: "web", Max: 12, Since: 95 * second, Reason: reason},
		{Service: "web", Max: 40, Since: 90 * second, Reason: reason},
		{Service: "web", Max: 3, Since: 99 * second, Reason: reason},
	}
	want := &Share{Limit: 40, Least: 3, Sources: 3, Measured: 2490, Target: 2125, Capacity: 2500, Since: night(3, 2, 0, 0)}
	if d := cmp.Diff(want, ShareOf(svc, limits, calendar())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := ShareOf(svc, limits[:2], calendar()); got != nil {
		t.Errorf("without a share: %+v", got)
	}
}

func TestExplanationOf(t *testing.T) {
	p := netip.MustParsePrefix("203.0.113.7/32")
	reason := policy.Reason{Rule: "connections.per_source", Measured: 312, Threshold: 100}
	e := policy.Explanation{Addr: p.Addr(), Exempt: []string{"a"}, Services: []policy.ServiceExplanation{{
		Service: "web", Mode: policy.Enforce, Exempt: []string{"b"}, Source: p, Known: true, Held: 1, Counted: 90 * second, Max: 2, Rule: "r",
		RateKnown: true, Rate: 1.5, MaxRate: 3, RateRule: "s", SYNsOver: 4, Proven: true,
		Prefixes: []policy.PrefixExplanation{{Prefix: p, Held: 5, Sources: 6, Max: 7}},
		Limits:   []policy.Limit{{Source: p, Held: 8, Max: 9, Refuse: true, Mode: policy.Enforce, Since: 90 * second, Until: 120 * second, Reason: reason}},
		Watched:  true, Blocks: []policy.Block{{Source: p, Mode: policy.Enforce, Strikes: 10, Since: 90 * second, Until: 160 * second, Reason: reason}},
		Dropped: true, Strikes: 11, Forgiven: 110 * second, NextFor: time.Hour, Next: []string{"n"},
	}, {}}}
	want := &Explanation{At: night(3, 2, 10, 0), Address: p.Addr(), Exempt: []string{"a"}, Services: []ServiceExplanation{{
		Service: "web", Mode: policy.Enforce, Exempt: []string{"b"}, Source: p, Known: true, Held: 1, Counted: night(3, 2, 0, 0), Max: 2, MaxRule: "r",
		PerS: new(Rate(1.5)), MaxRate: 3, RateRule: "s", SYNsOver: 4, Proven: true,
		Prefixes: []PrefixExplanation{{Prefix: p, Held: 5, Sources: 6, Max: 7}},
		Limits: []Limit{{Source: p, Held: 8, Max: 9, Refusing: true, Mode: policy.Enforce, Since: night(3, 2, 0, 0), LeaseLeft: Duration(20 * time.Second),
			Rule: reason.Rule, Measured: 312, Threshold: 100}},
		Watched: true, Blocks: []Block{{Source: p, Mode: policy.Enforce, Strikes: 10, Since: night(3, 2, 0, 0), Left: Duration(time.Minute),
			Rule: reason.Rule, Measured: 312, Threshold: 100}},
		Dropped: true, Strikes: 11, Forgiven: night(3, 2, 20, 0), NextFor: Duration(time.Hour), Next: []string{"n"},
	}, {Exempt: []string{}, Prefixes: []PrefixExplanation{}, Limits: []Limit{}, Blocks: []Block{}, Next: []string{}}}}
	if d := cmp.Diff(want, ExplanationOf(&e, calendar()), compareNet); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestReasonText(t *testing.T) {
	for rule, want := range map[string]string{
		"connections.per_source":  "3,120 connections held, connections.per_source allows 100",
		"override.per_source":     "3,120 connections held, override.per_source allows 100",
		"override.new_per_source": "3,120 new connections a second, override.new_per_source allows 100",
		"rate.syn_per_source":     "3,120 SYNs a second, rate.syn_per_source allows 100",
		"capacity":                "3,120 connections held by those who share the capacity, which leaves them 100",
		"accept queue\x1b":        `accept queue\x1b: 3,120 measured, 100 is normal at most`,
		"":                        "",
	} {
		if got := ReasonText(rule, 3120, 100); got != want {
			t.Errorf("%q: got %q, want %q", rule, got, want)
		}
	}
}

func TestNewestBlocks(t *testing.T) {
	var all []Block
	for i := range 150 {
		all = append(all, Block{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32), Since: night(3, 0, i%50, 0)})
	}
	got := NewestBlocks(all)
	if len(got) != MaxBlocks || !got[0].Since.Equal(night(3, 0, 49, 0).Time) || got[0].Source.Addr().String() != "10.0.0.49" || got[2].Source.Addr().String() != "10.0.0.149" {
		t.Errorf("%d blocks, first %+v", len(got), got[0])
	}
	for i := 1; i < len(got); i++ {
		if got[i].Since.After(got[i-1].Since.Time) {
			t.Fatalf("block %d is newer than the one before", i)
		}
	}
	if len(all) != 150 || all[0].Source.Addr().String() != "10.0.0.0" {
		t.Error("the input was changed")
	}
}

func TestShortReason(t *testing.T) {
	for rule, want := range map[string]string{
		"":                       "",
		"connections.per_source": "3,120 of 100, connections.per_source",
		"accept queue\x1b":       `3,120 of 100, accept queue\x1b`,
		policy.RuleByHand:        "by hand",
		policy.RuleInherited:     "in force when the daemon started",
	} {
		if got := ShortReason(rule, 3120, 100); got != want {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}
