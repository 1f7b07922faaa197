package enforcer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
)

// TestAPlanIsSentLate: on a busy machine time passes between a plan and its sending. Elements that were to be renewed
// may have ended by then, which is no refusal and nobody's doing.
func TestAPlanIsSentLate(t *testing.T) {
	tb := open(t)
	if !tb.Features().Destroy {
		lacks(t, "destroying elements", 6, 3)
	}
	guarded(t, tb)
	p := prefixed()
	now := boottime.Now()
	apply(t, tb, p, flood("web", now+second))
	plan := Diff(tb.Have(), Compile(p, flood("web", now+300*second), tb.Environment()), now)
	if !strings.Contains(plan.String(), "delete element") {
		t.Fatalf("nothing is deleted:\n%s", plan.String())
	}
	nstest.Until(t, 10*time.Second, "the kernel has dropped the elements", func() error {
		if strings.Contains(listed(t), " expires ") {
			return errors.New("they are there")
		}
		return nil
	})
	if err := tb.Apply(plan); err != nil {
		t.Fatalf("%v\n%s", err, plan.String())
	}
	isListed(t, tb.Have().Ruleset, listed(t))
	if !strings.Contains(listed(t), " expires ") {
		t.Error("nothing was renewed")
	}
}
