package compare

import (
	"net/netip"
	"testing"

	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

func TestLeftovers(t *testing.T) {
	for _, tt := range []struct {
		left leftovers
		want string
	}{
		{leftovers{}, ""},
		{leftovers{waiting: atRest}, ""},
		{leftovers{waiting: atRest + 1}, "4 connections in the accept queue"},
		{leftovers{held: 2, halfOpen: 3, tracked: 5, table: true}, "the table, 2 connections, 3 half-open connections, 5 conntrack entries"},
	} {
		if got := tt.left.String(); got != tt.want || tt.left.clean() != (tt.want == "") {
			t.Errorf("%+v: %q, clean %t", tt.left, got, tt.left.clean())
		}
	}
}

func TestEyeSeesAttackersOnly(t *testing.T) {
	l := nstest.Lab(t)
	if err := (Defence{Name: "static", rules: staticRules(demo.ServicePort)}).load(t.Context(), l.Victim); err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(lab.VictimV4(), demo.ServicePort)
	if _, err := lab.StartServer(t.Context(), l.Victim, lab.ServerConfig{Listen: []netip.AddrPort{at}, Capacity: 10}); err != nil {
		t.Fatal(err)
	}
	e, err := newEye(l.Victim)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	c, err := l.Clients.Dial(t.Context(), lab.ClientRange().IPv4(1)[0], at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if left, err := e.look(); err != nil || left != (leftovers{}) {
		t.Errorf("with a client there is left %+v, error %v", left, err)
	}
	a, err := l.Attackers.Dial(t.Context(), lab.AttackRange().IPv4(1)[0], at)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if left, err := e.look(); err != nil || left != (leftovers{held: 1, tracked: 1}) {
		t.Errorf("with an attacker there is left %+v, error %v", left, err)
	}
	if n, err := e.tracked(); err != nil || n < 2 {
		t.Errorf("%d conntrack entries, error %v", n, err)
	}
}
