package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestHoardStarvesClientsUntilItStops is the attack the project is about, without a defence.
func TestHoardStarvesClientsUntilItStops(t *testing.T) {
	for _, c := range []struct {
		name    string
		listen  string
		target  netip.AddrPort
		sources []netip.Addr
		clients []netip.Addr
	}{
		{"IPv4, five sources", "10.77.0.1:80", v4(80), AttackRange().IPv4(5), ClientRange().IPv4(10)},
		{"IPv6, 2000 addresses of one /64", "[fd77::1]:80", v6(80), AttackRange().OneSubnet(2000), ClientRange().IPv6(10)},
		{"IPv4 on a dual-stack listener", "[::]:80", v4(80), AttackRange().IPv4(5), ClientRange().IPv4(10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{
				Listen: []netip.AddrPort{netip.MustParseAddrPort(c.listen)}, Capacity: 300, Backlog: 16,
			}))(t)
			clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
				Target: c.target, Sources: c.clients, Rate: 50, Timeout: 300 * time.Millisecond,
			}))(t)
			await(t, "clients are served", func() bool { return clients.Totals().Succeeded >= 3 })
			onset := time.Now()
			h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
				Target: c.target, Sources: c.sources, Total: 500, Payload: PartialRequest(), ConnectTimeout: 200 * time.Millisecond,
			}))(t)
			await(t, "the hoard fills the server", func() bool { return s.Counts().Held == 300 && h.Counts().Held >= 300 })
			await(t, "clients fail", func() bool { _, failed := clients.FirstFailure(onset); return failed })
			if err := h.Stop(); err != nil {
				t.Fatal(err)
			}
			if got := h.Counts(); got.Held != 0 || got.Connecting != 0 || got.Errors != 0 {
				t.Errorf("%+v after Stop, last error %v", got, h.LastError())
			}
			failed, _ := clients.FirstFailure(onset)
			await(t, "clients are served again", func() bool {
				_, ok := clients.Recovered(failed, 200*time.Millisecond)
				return ok
			})
		})
	}
}

func TestHoardBounds(t *testing.T) {
	sources := AttackRange().IPv4(4)
	for _, c := range []struct {
		name             string
		perSource, total int
		want             map[netip.Addr]int
	}{
		{"per source", 5, 0, map[netip.Addr]int{sources[0]: 5, sources[1]: 5, sources[2]: 5, sources[3]: 5}},
		{"in all", 0, 6, map[netip.Addr]int{sources[0]: 2, sources[1]: 2, sources[2]: 1, sources[3]: 1}},
		{"the smaller bound wins", 2, 100, map[netip.Addr]int{sources[0]: 2, sources[1]: 2, sources[2]: 2, sources[3]: 2}},
		{"in all, below per source", 100, 3, map[netip.Addr]int{sources[0]: 1, sources[1]: 1, sources[2]: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 100}))(t)
			h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
				Target: v4(80), Sources: sources, PerSource: c.perSource, Total: c.total,
			}))(t)
			sum := 0
			for _, n := range c.want {
				sum += n
			}
			await(t, "all are held", func() bool { return h.Counts().Held == sum && s.Counts().Held == sum })
			got := s.HeldBy()
			for source, n := range c.want {
				if got[source] != n {
					t.Errorf("%s holds %d, want %d", source, got[source], n)
				}
			}
			if counts := h.Counts(); counts.Attempts != uint64(sum) {
				t.Errorf("%+v, want exactly %d attempts", counts, sum)
			}
		})
	}
}

func TestHoardOpensAgainWhatIsClosed(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{v4(80)}, Capacity: 100, IdleTimeout: 20 * time.Millisecond,
	}))(t)
	h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(2), Total: 10}))(t)
	await(t, "the server closed every one twice", func() bool { return h.Counts().Closed >= 20 && s.Counts().Accepted >= 30 })
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	await(t, "nothing is held, all is refused", func() bool {
		c := h.Counts()
		return c.Held == 0 && c.Refused >= 20
	})
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 100}))(t)
	await(t, "all are held again", func() bool { return h.Counts().Held == 10 })
}

func TestHoardParting(t *testing.T) {
	for _, c := range []struct {
		name    string
		parting Parting
		aborted uint64
	}{{"reset", ByReset, 10}, {"fin", ByFin, 0}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v6(80)}, Capacity: 20}))(t)
			h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
				Target: v6(80), Sources: AttackRange().IPv6(10), PerSource: 1, Parting: c.parting,
			}))(t)
			await(t, "all are held", func() bool { return s.Counts().Held == 10 })
			if err := h.Stop(); err != nil {
				t.Fatal(err)
			}
			await(t, "all are gone", func() bool { return s.Counts().Held == 0 })
			if got := s.Counts().Aborted; got != c.aborted {
				t.Errorf("%d were reset, want %d", got, c.aborted)
			}
		})
	}
}

func TestHoardPayload(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
	}{{"partial request", PartialRequest()}, {"silent", nil}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := &Server{slots: make(chan struct{}, 1), holders: holders{held: map[netip.Addr]int{}}}
			gates := must(s.open(l.Victim, server80(1)))(t)
			defer closeAll(gates)
			h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
				Target: v4(80), Sources: AttackRange().IPv4(1), Total: 1, Payload: c.payload, Parting: ByFin,
			}))(t)
			conn := must(gates[0].Accept())(t)
			defer conn.Close()
			await(t, "it is held", func() bool { return h.Counts().Held == 1 })
			if err := h.Stop(); err != nil {
				t.Fatal(err)
			}
			if got := must(io.ReadAll(conn))(t); string(got) != string(c.payload) {
				t.Errorf("received %q", got)
			}
		})
	}
}

// TestHoardComesBackWhenItIsCut destroys its connections under the server, as a defence does.
func TestHoardComesBackWhenItIsCut(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, server80(50)))(t)
	h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(2), Total: 20}))(t)
	await(t, "all are held", func() bool { return s.Counts().Held == 20 && h.Counts().Held == 20 })
	cut := 0
	err := l.Victim.Do(func() error {
		sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
		for _, k := range sockets {
			if k.State != netlink.TCP_ESTABLISHED {
				continue
			}
			err := netlink.SocketDestroy(
				&net.TCPAddr{IP: k.ID.Source, Port: int(k.ID.SourcePort)},
				&net.TCPAddr{IP: k.ID.Destination, Port: int(k.ID.DestinationPort)})
			if err != nil {
				return err
			}
			cut++
		}
		return err
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)")
	}
	if err != nil || cut != 20 {
		t.Fatalf("%d cut, %v", cut, err)
	}
	await(t, "all are open again", func() bool {
		return h.Counts() == HoardCounts{Held: 20, Attempts: 40, Closed: 20} &&
			s.Counts() == ServerCounts{Held: 20, Accepted: 40, Aborted: 20}
	})
}

func TestHoardGivesUpHandshakesThatHang(t *testing.T) {
	l := newLab(t)
	h := must(StartHoard(t.Context(), l.Clients, HoardConfig{
		Target: silent(), Sources: ClientRange().IPv4(2), Total: 8, ConnectTimeout: 50 * time.Millisecond,
	}))(t)
	await(t, "each is tried again", func() bool { return h.Counts().TimedOut >= 16 })
	if c := h.Counts(); c.Held != 0 || c.Refused != 0 || c.Connecting > 8 {
		t.Errorf("%+v", c)
	}
}

func TestHoardEndsWithItsContext(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, server80(50)))(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := must(StartHoard(ctx, l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(2), Total: 20}))(t)
	await(t, "all are held", func() bool { return s.Counts().Held == 20 })
	cancel()
	<-h.task.done
	await(t, "all are closed", func() bool { return s.Counts().Held == 0 })
	if err := h.Stop(); err != nil || h.Counts().Held != 0 {
		t.Errorf("%v, %+v", err, h.Counts())
	}
}

func TestHoardBadConfigs(t *testing.T) {
	l := newLab(t)
	some := AttackRange().IPv4(2)
	for _, c := range []struct {
		name, want string
		config     HoardConfig
	}{
		{"no source", "no source", HoardConfig{Target: v4(80), Total: 1}},
		{"families", "different families", HoardConfig{Target: v6(80), Sources: some, Total: 1}},
		{"no bound", "give one of them", HoardConfig{Target: v4(80), Sources: some}},
		{"negative", "nothing negative", HoardConfig{Target: v4(80), Sources: some, PerSource: 2, Total: -1}},
		{"ports", "TCP has 65535 ports", HoardConfig{Target: v4(80), Sources: some, PerSource: 1<<16 + 1}},
		{"rate", "rate 50001", HoardConfig{Target: v4(80), Sources: some, Total: 1, Rate: 50_001}},
		{"negative rate", "rate -1", HoardConfig{Target: v4(80), Sources: some, Total: 1, Rate: -1}},
		{"payload", "payload of 4097 bytes", HoardConfig{Target: v4(80), Sources: some, Total: 1, Payload: make([]byte, 4097)}},
		{"time-out", "connect time-out -1ns", HoardConfig{Target: v4(80), Sources: some, Total: 1, ConnectTimeout: -1}},
	} {
		_, err := StartHoard(t.Context(), l.Attackers, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestHoardReportsLocalErrors(t *testing.T) {
	l := newLab(t)
	// A multicast address is nobody's source.
	h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
		Target: v6(80), Sources: []netip.Addr{netip.MustParseAddr("ff02::1")}, Total: 1,
	}))(t)
	await(t, "an error is counted", func() bool { return h.Counts().Errors > 0 && h.LastError() != nil })
}

func TestOutgoing(t *testing.T) {
	l := newLab(t)
	o := must(StartOutgoing(t.Context(), l, 500))(t)
	if got := o.sink.HeldBy(); len(got) != 1 || got[VictimV4()] != 500 {
		t.Errorf("the far end is held by %v", got)
	}
	if got := o.Counts(); got.Held != 500 || got.Closed != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := StartOutgoing(t.Context(), l, 1); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a second one: %v", err)
	}
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	if taken := l.Victim.files.taken; taken != 0 {
		t.Errorf("%d descriptors stay promised", taken)
	}
}

// TestHoardWhileProcessesStart starts processes beside a hoard whose connections are all refused. A
// child holds copies of every descriptor until it executes, and what a copy holds open epoll goes on
// reporting after our own close, unless it was told.
func TestHoardWhileProcessesStart(t *testing.T) {
	l := newLab(t)
	h := must(StartHoard(t.Context(), l.Attackers, HoardConfig{
		Target: v4(80), Sources: AttackRange().IPv4(8), Total: 50, Rate: mostHoardRate,
	}))(t)
	for range 300 {
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	before := h.Counts().Attempts
	await(t, "the hoard goes on", func() bool { return h.Counts().Attempts >= before+1000 })
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if c := h.Counts(); c.Held != 0 || c.Connecting != 0 || c.Errors != 0 {
		t.Errorf("%+v after Stop, last error %v", c, h.LastError())
	}
}
