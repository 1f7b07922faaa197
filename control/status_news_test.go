package control

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"ebbgate/policy"
)

// attackedTwice has two services of similar names, the first of which is attacked.
func attackedTwice() *Status {
	s := peace()
	s.Services = []Service{{Name: "web1", Mode: policy.Enforce, Attacks: []Attack{flood()}, LimitsTotal: 7}, {Name: "web2", Mode: policy.Enforce}}
	return s
}

func TestStatusNews(t *testing.T) {
	for name, change := range map[string]func(*Status){
		"the attack moves on":   func(s *Status) { s.Services[1].Attacks, s.Services[0].Attacks = s.Services[0].Attacks, nil },
		"it begins anew":        func(s *Status) { s.Services[0].Attacks[0].ID, s.Services[0].Attacks[0].Since = "4", night(3, 1, 0, 0) },
		"it is of another kind": func(s *Status) { s.Services[0].Attacks[0].Kind = policy.Churn },
		"a second one":          func(s *Status) { s.Services[0].Attacks = append(s.Services[0].Attacks, flood()) },
		"it is over":            func(s *Status) { s.Services[0].Attacks = nil },
		"nobody is limited":     func(s *Status) { s.Services[0].LimitsTotal = 0 },
		"the first is blocked":  func(s *Status) { s.Services[0].BlocksTotal = 1 },
		"in shadow mode":        func(s *Status) { s.Services[0].Mode = policy.Shadow },
		"a fault":               func(s *Status) { s.Faults = []Fault{{Part: "census", Text: "x"}} },
		"a bad policy":          func(s *Status) { s.Reload = NewReload(Time{}, "F", 2, nil, errors.New("x")) },
	} {
		before, after := attackedTwice(), attackedTwice()
		change(after)
		if StatusNews(before) == StatusNews(after) {
			t.Errorf("%s: no news: %q", name, StatusNews(after))
		}
		if StatusLine(before) == StatusLine(after) {
			t.Errorf("%s: it does not show in the line", name)
		}
	}
}

func TestStatusNewsOfTheFirstCensus(t *testing.T) {
	before := peace()
	before.Census = Census{}
	if StatusNews(before) == StatusNews(peace()) {
		t.Errorf("no news: %q", StatusNews(before))
	}
}

// TestStatusNewsOfFigures: figures change in each turn, also those of faults.
func TestStatusNewsOfFigures(t *testing.T) {
	change := map[string]func(*Status){
		"more limited":     func(s *Status) { s.Services[0].LimitsTotal++ },
		"more held":        func(s *Status) { s.Services[0].Held += 100 },
		"another census":   func(s *Status) { s.Census.Sockets, s.Census.Taken = 9, night(3, 2, 10, 0) },
		"another fault":    func(s *Status) { s.Faults[0].Text = "refused 8 times" },
		"a reload is fine": func(s *Status) { s.Reload = NewReload(Time{}, "F", 2, nil, nil) },
	}
	for _, name := range slices.Sorted(maps.Keys(change)) {
		before, after := attackedTwice(), attackedTwice()
		for _, s := range []*Status{before, after} {
			s.Faults = []Fault{{Part: "table", Text: "refused 7 times"}}
		}
		change[name](after)
		if a, b := StatusNews(before), StatusNews(after); a != b {
			t.Errorf("%s is news: %q, then %q", name, a, b)
		}
	}
}
