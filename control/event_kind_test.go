package control

import (
	"log/slog"
	"os"
	"regexp"
	"testing"

	"ebbgate/policy"
)

// TestEventKindsAreAll: the journal's catalog, the documentation and the command line are checked against the
// list, so it must have every constant there is.
func TestEventKindsAreAll(t *testing.T) {
	src, err := os.ReadFile("event_kind.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[policy.EventKind]bool)
	for _, k := range EventKinds() {
		if listed[k] {
			t.Errorf("%s is listed twice", k)
		}
		listed[k] = true
	}
	declared := regexp.MustCompile(`policy\.EventKind += "([a-z-]+)"`).FindAllStringSubmatch(string(src), -1)
	for _, m := range declared {
		if !listed[policy.EventKind(m[1])] {
			t.Errorf("%s is not listed", m[1])
		}
	}
	if len(declared)+len(policy.EventKinds()) != len(listed) {
		t.Errorf("%d of our own and %d of the decision, but %d are listed", len(declared), len(policy.EventKinds()), len(listed))
	}
}

func TestEventLevel(t *testing.T) {
	for k, want := range map[policy.EventKind]slog.Level{Degraded: slog.LevelError, PolicyRefused: slog.LevelError, policy.AttackBegan: slog.LevelWarn,
		policy.TableLost: slog.LevelWarn, policy.AttackEnded: slog.LevelInfo, Started: slog.LevelInfo, "another": slog.LevelInfo} {
		if got := EventLevel(k); got != want {
			t.Errorf("%s: %v, want %v", k, got, want)
		}
	}
}
