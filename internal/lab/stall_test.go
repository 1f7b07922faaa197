package lab

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// TestStallFillsTheAcceptQueue lets an application hang under clients that behave.
func TestStallFillsTheAcceptQueue(t *testing.T) {
	const backlog = 16
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{v4(80)}, Capacity: 100, Backlog: backlog,
	}))(t)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
		Target: v4(80), Sources: ClientRange().IPv4(10), Rate: 100, Timeout: 300 * time.Millisecond,
	}))(t)
	await(t, "clients are served", func() bool { return clients.Totals().Succeeded >= 10 })
	s.Stall()
	s.Stall() // as one
	// The kernel lets one more in than the backlog says; see sk_acceptq_is_full of net/sock.h.
	await(t, "the accept queue is full", func() bool { return s.Waiting() == backlog+1 })
	await(t, "it overflows", func() bool { return counter(t, l.Victim, "TcpExt", "ListenOverflows") > 0 })
	if got, want := s.Waiting(), queue(t, l.Victim, 80); got != want {
		t.Errorf("%d wait, inet_diag says %d", got, want)
	}
	stalled := time.Now()
	await(t, "clients fail", func() bool { _, failed := clients.FirstFailure(stalled); return failed })
	s.Resume()
	s.Resume()
	await(t, "clients are served again", func() bool {
		_, ok := clients.Recovered(stalled, 200*time.Millisecond)
		return ok
	})
	await(t, "nobody waits", func() bool { return s.Waiting() == 0 })
}

func TestStallKeepsWhatIsAccepted(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, server80(10)))(t)
	c := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
	defer c.Close()
	await(t, "it is held", func() bool { return s.Counts().Held == 1 })
	s.Stall()
	for range 3 {
		if code, _, err := get(c, "GET"); code != 200 || err != nil {
			t.Errorf("while stalled: %d, %v", code, err)
		}
	}
}

func TestServerStopsWhileItStallsAndLeaks(t *testing.T) {
	l := newLab(t)
	checkLeaks(t, func() {
		s := must(StartServer(t.Context(), l.Victim, server80(10)))(t)
		s.Leak()
		c := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
		await(t, "it is held", func() bool { return s.Counts().Held == 1 })
		c.Close()
		await(t, "it is leaked", func() bool { return s.Counts().Leaked == 1 })
		s.Stall()
		waiting := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		waiting.Close()
		s.Leak()
		if n := s.Counts(); n.Held != 0 || n.Leaked != 0 || s.Waiting() != 0 {
			t.Errorf("%+v after Stop, %d wait", n, s.Waiting())
		}
	})
}

// TestLeakPilesUpCloseWait lets clients go whom the server forgets, until it has no slot left.
func TestLeakPilesUpCloseWait(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 20, Backlog: 8}))(t)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
		Target: v4(80), Sources: ClientRange().IPv4(10), Rate: 100, Timeout: 300 * time.Millisecond,
	}))(t)
	await(t, "clients are served", func() bool { return clients.Totals().Succeeded >= 10 })
	if n := s.Counts().Leaked; n != 0 {
		t.Errorf("%d leaked by a server that does not", n)
	}
	s.Leak()
	await(t, "every slot is leaked", func() bool { n := s.Counts(); return n.Leaked == 20 && n.Held == 20 })
	await(t, "all of them are in CLOSE_WAIT", func() bool { return inState(t, l.Victim, netlink.TCP_CLOSE_WAIT) >= 20 })
	await(t, "the accept queue fills", func() bool { return s.Waiting() > 8 })
	mended := time.Now()
	s.Mend()
	s.Mend()
	await(t, "clients are served again", func() bool {
		_, ok := clients.Recovered(mended, 200*time.Millisecond)
		return ok
	})
	if err := clients.Stop(); err != nil {
		t.Fatal(err)
	}
	await(t, "nothing is left", func() bool {
		return s.Counts().Held == 0 && s.Counts().Leaked == 0 && inState(t, l.Victim, netlink.TCP_CLOSE_WAIT) == 0
	})
}

// inState counts the connections of a namespace in a TCP state.
func inState(t *testing.T, n *Namespace, state uint8) (count int) {
	t.Helper()
	eachSocket(t, n, func(s *netlink.Socket) {
		if s.State == state {
			count++
		}
	})
	return count
}

// TestAcceptTimeBoundsNewConnections churns a server that is slow to accept: its queue fills,
// although nobody holds anything.
func TestAcceptTimeBoundsNewConnections(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{v4(80)}, Capacity: 100, Backlog: 32, AcceptTime: 5 * time.Millisecond,
	}))(t)
	churn := must(StartChurn(t.Context(), l.Attackers, ChurnConfig{Target: v4(80), Sources: AttackRange().IPv4(4), Rate: 2000}))(t)
	await(t, "the accept queue is full", func() bool { return s.Waiting() == 33 })
	if err := churn.Stop(); err != nil {
		t.Error(err)
	}
	await(t, "the server has worked it off", func() bool { return s.Waiting() == 0 && s.Counts().Held == 0 })
}

func TestAcceptTimeBadConfigs(t *testing.T) {
	l := newLab(t)
	for _, d := range []time.Duration{-1, time.Second + 1} {
		c := server80(5)
		c.AcceptTime = d
		_, err := StartServer(t.Context(), l.Victim, c)
		if err == nil || !strings.Contains(err.Error(), "accept time "+d.String()) {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// TestWaitingCountsAllListeners has one connection waiting at each of two listeners.
func TestWaitingCountsAllListeners(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80), v6(81)}, Capacity: 9}))(t)
	s.Stall()
	var conns []net.Conn
	for range 2 {
		conns = append(conns, must(l.Clients.Dial(t.Context(), ClientRange().IPv4(1)[0], v4(80)))(t),
			must(l.Clients.Dial(t.Context(), ClientRange().IPv6(1)[0], v6(81)))(t))
	}
	await(t, "all wait", func() bool { return s.Waiting() == len(conns) })
	for _, c := range conns {
		c.Close()
	}
}
