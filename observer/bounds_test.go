package observer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// TestManyListeners takes the bound on listening sockets: what is beyond is not watched, and both
// the observation and the census say so.
func TestManyListeners(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) {
		p.Services[0].Ports = []policy.PortRange{{First: 10000, Last: 10000 + maxListeners}}
	}))
	for i := range maxListeners {
		nstest.Listen(t, fmt.Sprintf("0.0.0.0:%d", 10000+i), 1)
	}
	if obs := o.Tick(); len(obs.Listeners) != maxListeners || len(obs.Faults) != 0 {
		t.Fatalf("at the bound: %d listeners, faults %q", len(obs.Listeners), obs.Faults)
	}
	count(t, o)
	nstest.Listen(t, fmt.Sprintf("0.0.0.0:%d", 10000+maxListeners), 1)
	obs := o.Tick()
	if len(obs.Listeners) != maxListeners || len(obs.Faults) != 1 ||
		obs.Faults[0].Part != "listeners" || !strings.Contains(obs.Faults[0].Text, fmt.Sprint(maxListeners)) {
		t.Errorf("beyond the bound: %d listeners, faults %q", len(obs.Listeners), obs.Faults)
	}
	c, err := o.Census(context.Background())
	if !errors.Is(err, errManyListeners) || !c.Taken || c.Complete {
		t.Errorf("census taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
}
