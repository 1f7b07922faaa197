package lab

import (
	"net/netip"
	"strings"
	"testing"
)

// containerLab is a laboratory whose victim publishes port 80 of a container as 8080, and a server
// in that container.
func containerLab(t *testing.T) (*Lab, *Server) {
	t.Helper()
	l := newLab(t)
	if err := l.AddContainer(Publication{Port: 8080, To: 80}); err != nil {
		t.Fatal(err)
	}
	return l, must(StartServer(t.Context(), l.Container, ServerConfig{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, Capacity: 100,
	}))(t)
}

func TestContainerIsReached(t *testing.T) {
	l, s := containerLab(t)
	for _, c := range []struct {
		name   string
		from   *Namespace
		source netip.Addr
		target netip.AddrPort
		seen   netip.Addr // by the container
	}{
		{"published, IPv4", l.Clients, ClientRange().IPv4(1)[0], v4(8080), ClientRange().IPv4(1)[0]},
		{"published, IPv6", l.Attackers, AttackRange().IPv6(1)[0], v6(8080), AttackRange().IPv6(1)[0]},
		{"routed, IPv4", l.Attackers, AttackRange().IPv4(1)[0], netip.AddrPortFrom(ContainerV4(), 80), AttackRange().IPv4(1)[0]},
		{"routed, IPv6", l.Clients, ClientRange().IPv6(1)[0], netip.AddrPortFrom(ContainerV6(), 80), ClientRange().IPv6(1)[0]},
		{"by the victim itself", l.Victim, VictimV4(), v4(8080), VictimV4()},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := must(c.from.Dial(t.Context(), c.source, c.target))(t)
			defer conn.Close()
			await(t, "the container sees "+c.seen.String(), func() bool { return s.HeldBy()[c.seen] == 1 })
		})
	}
	if _, err := l.Clients.Dial(t.Context(), ClientRange().IPv4(1)[0], v4(80)); err == nil {
		t.Error("port 80 of the victim answers, which is not published")
	}
}

func TestContainerHidesBehindTheVictim(t *testing.T) {
	l, _ := containerLab(t)
	far := must(StartServer(t.Context(), l.Clients, ServerConfig{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:9000")}, Capacity: 10,
	}))(t)
	for _, c := range []struct{ source, target, seen netip.Addr }{
		{ContainerV4(), ClientV4(), VictimV4()},
		{ContainerV6(), VictimV6().Next(), VictimV6()},
	} {
		conn := must(l.Container.Dial(t.Context(), c.source, netip.AddrPortFrom(c.target, 9000)))(t)
		defer conn.Close()
		await(t, "the far end sees "+c.seen.String(), func() bool { return far.HeldBy()[c.seen] == 1 })
	}
}

func TestContainerLeavesNothing(t *testing.T) {
	newLab(t)
	checkLeaks(t, func() {
		l := must(New())(t)
		if err := l.AddContainer(Publication{8080, 80}, Publication{8443, 443}); err != nil {
			t.Error(err)
		}
		must(StartServer(t.Context(), l.Container, ServerConfig{Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, Capacity: 5}))(t)
		h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{Target: v4(8080), Sources: AttackRange().IPv4(2), PerSource: 2}))(t)
		await(t, "the hoard holds connections to the container", func() bool { return h.Counts().Held == 4 })
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAddContainerRefuses(t *testing.T) {
	l := newLab(t)
	for _, p := range []Publication{{0, 80}, {80, 0}} {
		if err := l.AddContainer(p); err == nil || !strings.Contains(err.Error(), "neither may be 0") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if l.Container != nil {
		t.Fatal("a refused container exists")
	}
	if err := l.AddContainer(); err != nil {
		t.Fatal(err)
	}
	if err := l.AddContainer(); err == nil || !strings.Contains(err.Error(), "one already") {
		t.Errorf("a second container: %v", err)
	}
}
