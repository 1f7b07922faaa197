package enforcer

import (
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestStages(t *testing.T) {
	p := onePolicy(web())
	flooded, peace := Compile(p, flood("web", 30*second), Environment{}), Ruleset{}
	beside := Compile(p, flood("web", 30*second), Environment{OthersTrack: true})
	later := Compile(p, flood("web", 60*second), Environment{})
	tests := []struct {
		name       string
		have, want Ruleset
		now        policy.Instant
		stages     int
	}{
		{"connections begin to be tracked", peace, flooded, 0, 2},
		{"others had them tracked, and cease", beside, flooded, 0, 1},
		{"others track them", peace, beside, 0, 1},
		{"leases are renewed", flooded, later, 25 * second, 1},
		{"the end", flooded, peace, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := Diff(held(tt.have), tt.want, tt.now)
			stages := plan.stages()
			if len(stages) != tt.stages {
				t.Fatalf("%d transactions, want %d", len(stages), tt.stages)
			}
			f := Fake{Now: plan.at, Present: !tt.have.Empty(), Ruleset: tt.have.clone()}
			ops := 0
			for i := range stages {
				if err := f.Apply(stages[i]); err != nil {
					t.Fatal(err)
				}
				ops += len(stages[i].Ops)
			}
			if d := rulesetDiff(plan.After, f.Ruleset); d != "" || ops != len(plan.Ops) {
				t.Errorf("the stages do not lead where the plan does:\n%s", d)
			}
		})
	}
}

// TestConntrackComesLast: nothing of the first transaction needs conntrack, and everything that keeps it
// away is in it.
func TestConntrackComesLast(t *testing.T) {
	plan := Diff(Have{Known: true}, Compile(onePolicy(web()), flood("web", 30*second), Environment{}), 0)
	stages := plan.stages()
	first, second := stages[0].String(), stages[1].String()
	if strings.Contains(first, " ct ") || !strings.Contains(first, "notrack") {
		t.Errorf("the first transaction is\n%s", first)
	}
	if !strings.Contains(second, "ct count") || strings.Contains(second, "notrack") {
		t.Errorf("the second transaction is\n%s", second)
	}
}
