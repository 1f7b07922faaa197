package lab

import (
	"net/netip"
	"strings"
	"testing"
)

func TestFileBudget(t *testing.T) {
	b := &fileBudget{limit: 20_000, total: 18_000}
	release := must(b.take(8_000, "start one"))(t)
	if _, err := b.take(10_001, "start two"); err == nil ||
		err.Error() != "start two: 10001 connections asked for, 10000 are possible: this process may open 20000 files "+
			"(RLIMIT_NOFILE), of which the laboratory uses at most 18000 and has promised 8000" {
		t.Errorf("got %v", err)
	}
	must(b.take(10_000, "start three"))(t)
	release()
	release() // counts once
	must(b.take(8_000, "start four"))(t)
	if _, err := b.take(1, "start five"); err == nil {
		t.Error("the budget was exceeded")
	}
}

func TestComponentsKeepToTheBudget(t *testing.T) {
	l := newLab(t)
	total := l.Victim.files.total
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "RLIMIT_NOFILE") {
			t.Errorf("got %v", err)
		}
	}
	_, err := StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: total})
	refused(err)
	_, err = StartHoard(t.Context(), l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(1), Total: total})
	refused(err)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: total - 1}))(t)
	_, err = StartClients(t.Context(), l.Clients, ClientsConfig{Target: v4(80), Sources: ClientRange().IPv4(1), Rate: 1})
	refused(err)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	must(StartClients(t.Context(), l.Clients, ClientsConfig{Target: v4(80), Sources: ClientRange().IPv4(1), Rate: 1}))(t)
	if b := l.Victim.files; b.total > b.taken+total || b.taken <= 0 {
		t.Errorf("%d of %d taken", b.taken, b.total)
	}
}
