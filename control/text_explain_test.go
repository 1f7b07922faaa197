package control

import (
	"testing"

	"ebbgate/policy"
)

// TestVerdict: what a new connection meets now, in a few words.
func TestVerdict(t *testing.T) {
	admin := []string{"an administrator is logged in from it: on port 22, where sshd listens"}
	for name, c := range map[string]struct {
		s    ServiceExplanation
		want string
	}{
		"free":                              {ServiceExplanation{Mode: policy.Enforce, Known: true, Held: 3, Max: 100}, "free"},
		"exempt":                            {ServiceExplanation{Mode: policy.Enforce, Exempt: admin}, "EXEMPT: nothing is done to it"},
		"exempt on one port of several":     {ServiceExplanation{Mode: policy.Enforce, Exempt: admin, Partly: true}, "free"},
		"refused on the others":             {ServiceExplanation{Mode: policy.Enforce, Exempt: admin, Partly: true, Limits: []Limit{{Refusing: true}}}, "REFUSED: new connections are turned away now"},
		"freed, and over its limit":         {ServiceExplanation{Mode: policy.Enforce, Due: true}, "free until the next census: what it holds is enough for a limit"},
		"over a limit of shadow mode":       {ServiceExplanation{Due: true}, "free until the next census: what it holds is enough for a limit (shadow mode: every packet passes)"},
		"would be refused":                  {ServiceExplanation{Limits: []Limit{{Refusing: true}}}, "would be refused: new connections are turned away now (shadow mode: every packet passes)"},
		"a limit in force, below it by now": {ServiceExplanation{Mode: policy.Enforce, Due: false, Limits: []Limit{{}}}, "free up to its limit, which is held exactly"},
	} {
		if _, got := verdictOf(&Explanation{}, &c.s); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
