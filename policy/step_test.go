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
	"github.com/google/go-cmp/cmp/cmpopts"
)

// updateSteps rewrites the decisions in testdata/step. Commit a rewrite only when every changed
// line is wanted.
var updateSteps = flag.Bool("update-steps", false, "rewrite the expected decisions in testdata/step")

// sameValues compares values as a reader of decisions sees them: an empty list is no list, and what a
// step remembers of its work is no part of a state.
var sameValues = cmp.Options{comparePrefixes, compareAddrs, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(State{})}

// eachScenario runs a test for every file of testdata/step.
func eachScenario(t *testing.T, run func(t *testing.T, file string, sc *scenario)) {
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
			run(t, file, readScenario(t, string(src)))
		})
	}
}

// eachVaried runs a test for every scenario that is varied.
func eachVaried(t *testing.T, run func(t *testing.T, sc *scenario)) {
	eachScenario(t, func(t *testing.T, _ string, sc *scenario) {
		for _, turn := range sc.turns {
			for _, svc := range turn.observation.Census.Services {
				if len(svc.Sources) >= mostVaried {
					return
				}
			}
		}
		run(t, sc)
	})
}

// TestStepScenarios runs every file of testdata/step: a comment, a policy, and observations, each
// with the decision that must follow.
func TestStepScenarios(t *testing.T) {
	eachScenario(t, func(t *testing.T, file string, sc *scenario) {
		var out strings.Builder
		for i, d := range sc.decisions() {
			out.WriteString(sc.turns[i].text + showDecision(&d))
		}
		out.WriteString(sc.tail)
		if *updateSteps {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(src), "\n"), strings.Split(out.String(), "\n")); diff != "" {
			t.Errorf("decisions differ (-want +got):\n%s", diff)
		}
	})
}

// decisions runs a scenario as it stands.
func (sc *scenario) decisions() []Decision {
	var s State
	var list []Decision
	for i := range sc.turns {
		var d Decision
		s, d = Step(sc.turns[i].policy, s, sc.turns[i].observation)
		list = append(list, d)
	}
	return list
}

// TestStepIsAFunction runs every scenario twice: equal states and decisions, and no argument
// changed (P11).
func TestStepIsAFunction(t *testing.T) {
	eachVaried(t, func(t *testing.T, sc *scenario) {
		asIs := func(int, func(i, j int)) {}
		var s State
		for _, turn := range sc.turns {
			state, observation := mustJSON(t, turn.policy, s), reordered(turn.observation, asIs)
			next, d := Step(turn.policy, s, turn.observation)
			again, same := Step(turn.policy, s, turn.observation)
			if !reflect.DeepEqual(next, again) || !reflect.DeepEqual(d, same) {
				t.Errorf("%q: two runs decided differently", turn.text)
			}
			if mustJSON(t, turn.policy, s) != state || !reflect.DeepEqual(turn.observation, observation) {
				t.Errorf("%q: Step changed its arguments", turn.text)
			}
			s = next
		}
	})
}

func mustJSON(t *testing.T, v ...any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
