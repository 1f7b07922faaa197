package policy

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// updateSteps rewrites the decisions in testdata/step. Commit a rewrite only when every changed
// line is wanted.
var updateSteps = flag.Bool("update-steps", false, "rewrite the expected decisions in testdata/step")

// TestStepScenarios runs every file of testdata/step: a comment, a policy, and observations, each
// with the decision that must follow.
func TestStepScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/step/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc := readScenario(t, string(src))
			var out strings.Builder
			out.WriteString(sc.head)
			var s State
			for _, turn := range sc.turns {
				var d Decision
				s, d = Step(sc.policy, s, turn.observation)
				out.WriteString(turn.line + "\n" + showDecision(&d))
			}
			if *updateSteps {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(strings.Split(string(src), "\n"), strings.Split(out.String(), "\n")); diff != "" {
				t.Errorf("decisions differ (-want +got):\n%s", diff)
			}
			for name, variant := range variants {
				t.Run(name, func(t *testing.T) { sameLevel(t, sc, variant) })
			}
		})
	}
}

// variants change what Step is fed between two observations in ways that must not matter.
var variants = map[string]func(t *testing.T, p *Policy, s State, o Observation) State{
	"duplicated": func(_ *testing.T, p *Policy, s State, o Observation) State {
		s, _ = Step(p, s, o)
		return s
	},
	"empty ticks inserted": func(_ *testing.T, p *Policy, s State, o Observation) State {
		o.Census = Census{}
		s, _ = Step(p, s, o)
		return s
	},
	"restarted from saved state": func(t *testing.T, _ *Policy, s State, _ Observation) State {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var restored State
		if err := json.Unmarshal(b, &restored); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, restored) {
			t.Fatalf("state does not survive being saved:\n%s", cmp.Diff(s, restored, comparePrefixes))
		}
		return restored
	},
}

// sameLevel runs a scenario plainly and with a variant after every turn, and compares what holds.
func sameLevel(t *testing.T, sc *scenario, variant func(*testing.T, *Policy, State, Observation) State) {
	var plain, varied State
	for _, turn := range sc.turns {
		var want, got Decision
		plain, want = Step(sc.policy, plain, turn.observation)
		varied, got = Step(sc.policy, varied, turn.observation)
		want.Events, got.Events = nil, nil
		want.Watch.Suspicion, got.Watch.Suspicion = nil, nil
		if diff := cmp.Diff(want, got, comparePrefixes); diff != "" {
			t.Fatalf("after %q (-plain +varied):\n%s", turn.line, diff)
		}
		varied = variant(t, sc.policy, varied, turn.observation)
	}
}

// TestStepIsAFunction runs every scenario twice: byte-identical decisions, and no argument
// changed (P11).
func TestStepIsAFunction(t *testing.T) {
	files, _ := filepath.Glob("testdata/step/*.txt")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		record := func() string {
			sc := readScenario(t, string(src))
			var b strings.Builder
			enc := json.NewEncoder(&b)
			var s State
			for _, turn := range sc.turns {
				before := mustJSON(t, s, turn.observation)
				next, d := Step(sc.policy, s, turn.observation)
				if after := mustJSON(t, s, turn.observation); after != before {
					t.Errorf("%s: %q: Step changed its arguments", file, turn.line)
				}
				if err := enc.Encode(d); err != nil {
					t.Fatal(err)
				}
				s = next
			}
			return b.String()
		}
		if a, b := record(), record(); a != b {
			t.Errorf("%s: two runs decided differently", file)
		}
	}
}

func mustJSON(t *testing.T, v ...any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
