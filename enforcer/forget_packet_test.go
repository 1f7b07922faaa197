package enforcer

import (
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// TestConntrackForgetsWhatWeTracked: the connections of watched sources stay in conntrack's table when our
// rules go. Forgetting them takes those that came to the service's ports of the host, and no others.
func TestConntrackForgetsWhatWeTracked(t *testing.T) {
	f := newField(t)
	p := fieldPolicy()
	if err := f.table.Apply(Diff(f.table.Have(), Compile(p, fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	if n := f.open(t, "10.66.0.2", 80, 4); n != 4 {
		t.Fatalf("%d of 4 connections opened", n)
	}
	if err := f.table.Apply(Diff(f.table.Have(), Ruleset{}, boottime.Now())); err != nil {
		t.Fatal(err)
	}
	before := f.conntrack(t)
	if before == 0 {
		t.Fatal("conntrack remembers nothing; there is nothing to be forgotten")
	}
	forget := func(p *policy.Policy) int {
		var n int
		err := f.lab.Victim.Do(func() error {
			c, err := OpenCloser(nil)
			if err != nil {
				return err
			}
			defer c.Close()
			n, _, err = c.Forget(p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	elsewhere := *p
	elsewhere.Services = []policy.Service{p.Services[0]}
	elsewhere.Services[0].Ports = []policy.PortRange{{First: 9999, Last: 9999}}
	if n := forget(&elsewhere); n != 0 || f.conntrack(t) != before {
		t.Errorf("%d connections to other ports were forgotten", n)
	}
	if n := forget(p); n != before || f.conntrack(t) != 0 {
		t.Errorf("%d of %d were forgotten, %d are left", n, before, f.conntrack(t))
	}
}
