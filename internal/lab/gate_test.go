package lab

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// TestListenersShareTheSlots lets three listeners fight for the same few slots.
func TestListenersShareTheSlots(t *testing.T) {
	l := newLab(t)
	targets := []netip.AddrPort{v4(80), v4(81), v6(82)}
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: targets, Capacity: 5, Backlog: 100}))(t)
	for _, target := range targets {
		sources := AttackRange().IPv4(3)
		if target.Addr().Is6() {
			sources = AttackRange().OneSubnet(3)
		}
		h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{Target: target, Sources: sources, Total: 30}))(t)
		await(t, "all are established", func() bool { return h.Counts().Held == 30 })
	}
	await(t, "all slots are taken", func() bool { return s.Counts().Held == 5 })
	waiting := 0
	for _, target := range targets {
		waiting += queue(t, l.Victim, target.Port())
	}
	if got := s.Counts(); waiting != 85 || got.Accepted != 5 {
		t.Errorf("%d wait, want 85; %+v", waiting, got)
	}
	held := 0
	for _, n := range s.HeldBy() {
		held += n
	}
	if held != 5 {
		t.Errorf("the sources hold %d", held)
	}
}

func TestClosedGateAcceptsNobody(t *testing.T) {
	l := newLab(t)
	s := &Server{slots: make(chan struct{}, 1), holders: holders{held: map[netip.Addr]int{}}}
	gates := must(s.open(l.Victim, server80(1)))(t)
	ended := make(chan error)
	go func() {
		_, err := gates[0].Accept()
		ended <- err
	}()
	if err := gates[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("Accept returned a connection")
	}
	if err := gates[0].Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if got := gates[0].Addr().String(); got != v4(80).String() {
		t.Errorf("it listened on %s", got)
	}
}

// TestGateThatWaitsForASlotCanBeClosed closes it while a connection waits and all slots are taken.
func TestGateThatWaitsForASlotCanBeClosed(t *testing.T) {
	l := newLab(t)
	s := &Server{slots: make(chan struct{}, 1), holders: holders{held: map[netip.Addr]int{}}}
	gates := must(s.open(l.Victim, server80(1)))(t)
	s.slots <- struct{}{}
	must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t).Close()
	ended := make(chan error)
	go func() {
		_, err := gates[0].Accept()
		ended <- err
	}()
	closeAll(gates)
	if err := <-ended; err == nil {
		t.Error("Accept returned a connection")
	}
	if len(s.slots) != 1 || len(s.HeldBy()) != 0 {
		t.Errorf("%d slots taken, held by %v", len(s.slots), s.HeldBy())
	}
}

func TestAcceptedConnectionGivesItsSlotBackOnce(t *testing.T) {
	l := newLab(t)
	s := &Server{slots: make(chan struct{}, 2), holders: holders{held: map[netip.Addr]int{}}}
	gates := must(s.open(l.Victim, server80(2)))(t)
	defer closeAll(gates)
	peer := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
	defer peer.Close()
	c := must(gates[0].Accept())(t)
	s.slots <- struct{}{} // somebody else's
	if c.RemoteAddr().String() != peer.LocalAddr().String() || c.LocalAddr().String() != v4(80).String() {
		t.Errorf("from %s to %s", c.RemoteAddr(), c.LocalAddr())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if len(s.slots) != 1 || len(s.HeldBy()) != 0 {
		t.Errorf("%d slots taken, held by %v", len(s.slots), s.HeldBy())
	}
}

func TestHolders(t *testing.T) {
	h := holders{held: map[netip.Addr]int{}}
	a, b := ClientV4(), VictimV6()
	h.add(a, 1)
	h.add(a, 1)
	h.add(b, 1)
	copied := h.counts()
	h.add(a, -1)
	h.add(b, -1)
	if copied[a] != 2 || copied[b] != 1 {
		t.Errorf("the copy changed: %v", copied)
	}
	if got := h.counts(); len(got) != 1 || got[a] != 1 {
		t.Errorf("%v", got)
	}
}
