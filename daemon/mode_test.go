package daemon

import (
	"testing"
	"time"

	"ebbgate/policy"
)

// TestThePolicyThatHoldsIsMadeOnce for each change of the modes or of the policy: the rules are compiled anew
// whenever it is another.
func TestThePolicyThatHoldsIsMadeOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := w.make()
		d.jobs = t.Context()
		defer d.finish()
		if d.turn(); d.acting != d.Policy {
			t.Fatal("without modes by hand another policy holds than that of the file")
		}
		d.asks = []policy.Order{{Kind: policy.OrderMode, Mode: policy.HandMode{Service: "web", Mode: policy.Shadow, Until: w.clock.now().Add(time.Second)}}}
		time.Sleep(time.Millisecond) // of synctest's time
		d.turn()
		p := d.acting
		if p.Service("web").Mode != policy.Shadow || d.Policy.Service("web").Mode != policy.Enforce {
			t.Error("what holds is not in the mode, or the policy of the file is")
		}
		time.Sleep(time.Millisecond)
		if d.turn(); d.acting != p {
			t.Error("made anew, though nothing changed")
		}
		time.Sleep(time.Second)
		if d.turn(); d.acting != d.Policy {
			t.Error("after its time the mode still holds")
		}
	})
}
