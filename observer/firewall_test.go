package observer

import (
	"os"
	"testing"

	"ebbgate/internal/nstest"
)

func TestFirewallTellsWhetherConntrackIsLoose(t *testing.T) {
	nstest.Enter(t)
	var r firewallReader
	defer func() {
		if err := r.loose.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, tt := range []struct {
		set  string
		want bool
	}{{"1", true}, {"0", false}, {"1", true}} {
		if err := os.WriteFile(ctLoosePath, []byte(tt.set), 0); err != nil {
			t.Fatal(err)
		}
		if got, faults := r.read(); got.Loose != tt.want || len(faults) > 0 {
			t.Errorf("set to %s: %+v, faults %v", tt.set, got, faults)
		}
	}
}
