package daemon

import (
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// TestAttacksBegunAreCounted by kind, of the services there are, and anew in another mode.
func TestAttacksBegunAreCounted(t *testing.T) {
	p := &policy.Policy{Services: []policy.Service{{Name: "web", Mode: policy.Enforce}}}
	all := newTally(p)
	began := func(service string, k policy.Kind) policy.Event {
		return policy.Event{Kind: policy.AttackBegan, Service: service, Cause: k, Count: 12}
	}
	all.decided(&policy.Decision{Events: []policy.Event{began("web", policy.Churn), began("gone", policy.Churn),
		{Kind: policy.AttackEnded, Service: "web", Cause: policy.Churn}, began("web", policy.SYNFlood)}})
	all.decided(&policy.Decision{Events: []policy.Event{began("web", policy.Churn)}})
	check := func(when string, churn, syn uint64) {
		t.Helper()
		counts := all.sums()["web"].begun
		if len(counts) != len(policy.Kinds()) {
			t.Fatalf("%s: %d kinds", when, len(counts))
		}
		for i, c := range counts {
			want := map[policy.Kind]uint64{policy.Churn: churn, policy.SYNFlood: syn}[c.Kind]
			if c.Kind != policy.Kinds()[i] || c.Count != want {
				t.Errorf("%s: %s %d, want %s %d", when, c.Kind, c.Count, policy.Kinds()[i], want)
			}
		}
	}
	later := control.TimeOf(time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC))
	check("after three", 2, 1)
	all.keep(p, later)
	check("after a reload", 2, 1)
	if since := all.sums()["web"].since; !since.IsZero() {
		t.Errorf("counted since %v, want since the daemon started", since)
	}
	all.keep(&policy.Policy{Services: []policy.Service{{Name: "web", Mode: policy.Shadow}, {Name: "new", Mode: policy.Shadow}}}, later)
	check("in another mode", 0, 0)
	if sums := all.sums(); sums["web"].since != later || sums["new"].since != later {
		t.Errorf("counted since %v and %v, want %v", sums["web"].since, sums["new"].since, later)
	}
}
