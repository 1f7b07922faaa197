package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// get does one request on an open connection.
func get(c net.Conn, method string) (int, string, error) {
	if _, err := fmt.Fprintf(c, "%s / HTTP/1.1\r\nHost: lab\r\n\r\n", method); err != nil {
		return 0, "", err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r.StatusCode, string(body), err
}

func TestServerServes(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 2}))(t)
	c := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
	defer c.Close()
	for range 2 {
		if code, body, err := get(c, "GET"); code != 200 || body != "served\n" || err != nil {
			t.Fatal(code, body, err)
		}
	}
	if code, body, err := get(c, "POST"); code != 405 || !strings.Contains(body, "GET") || err != nil {
		t.Fatal(code, body, err)
	}
	if got, want := s.Counts(), (ServerCounts{Held: 1, Accepted: 1, Served: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	c.Close()
	await(t, "the slot is free again", func() bool { return s.Counts().Held == 0 && len(s.HeldBy()) == 0 })
}

func TestServerAcceptsNoMoreThanItsCapacity(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{v4(80), v6(81), v4(82)}, Capacity: 3, Backlog: 4,
	}))(t)
	sources := ClientRange()
	var conns []net.Conn
	for i := range 3 {
		conns = append(conns, must(l.Clients.Dial(t.Context(), sources.IPv4(3)[i], v4(80)))(t))
	}
	await(t, "all slots are taken", func() bool { return s.Counts().Held == 3 })
	waiting := must(l.Clients.Dial(t.Context(), sources.IPv6(1)[0], v6(81)))(t)
	await(t, "one waits in the accept queue", func() bool { return queue(t, l.Victim, 81) == 1 })
	if n := s.Counts().Accepted; n != 3 {
		t.Errorf("%d accepted", n)
	}
	conns[1].Close()
	if code, _, err := get(waiting, "GET"); code != 200 || err != nil {
		t.Errorf("the waiting connection: %d, %v", code, err)
	}
	want := map[netip.Addr]int{sources.IPv4(3)[0]: 1, sources.IPv4(3)[2]: 1, sources.IPv6(1)[0]: 1}
	if got := s.HeldBy(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("held by %v, want %v", got, want)
	}
	for _, c := range append(conns, waiting) {
		c.Close()
	}
}

// queue returns how many connections wait to be accepted on a port.
func queue(t *testing.T, n *Namespace, port uint16) (waiting int) {
	t.Helper()
	eachSocket(t, n, func(s *netlink.Socket) {
		if s.State == netlink.TCP_LISTEN && s.ID.SourcePort == port {
			waiting += int(s.RQueue)
		}
	})
	return waiting
}

// eachSocket visits the TCP sockets of a namespace.
func eachSocket(t *testing.T, n *Namespace, each func(*netlink.Socket)) {
	t.Helper()
	err := n.Do(func() error {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			sockets, err := netlink.SocketDiagTCP(family)
			if err != nil {
				return err
			}
			for _, s := range sockets {
				each(s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServerIdleTimeoutFreesSilentConnections(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{v4(80)}, Capacity: 3, IdleTimeout: 50 * time.Millisecond,
	}))(t)
	for _, sent := range []string{"", string(PartialRequest()), "GET / HTTP/1.1\r\nHost: lab\r\n\r\n"} {
		c := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
		defer c.Close()
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("after %q: %v", sent, err)
		}
	}
	await(t, "all slots are free", func() bool { return s.Counts().Held == 0 })
	if c := s.Counts(); c.Accepted != 3 || c.Aborted != 0 {
		t.Errorf("%+v", c)
	}
}

func TestServerDualStack(t *testing.T) {
	for _, c := range []struct {
		only6 bool
		want4 error
	}{{false, nil}, {true, unix.ECONNREFUSED}} {
		t.Run(fmt.Sprintf("only6=%t", c.only6), func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{
				Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, V6Only: c.only6, Capacity: 9,
			}))(t)
			conn, err := l.Clients.Dial(t.Context(), ClientV4(), v4(80))
			if !errors.Is(err, c.want4) {
				t.Fatalf("IPv4: %v, want %v", err, c.want4)
			}
			if err == nil {
				defer conn.Close()
				await(t, "the address is unmapped", func() bool { return s.HeldBy()[ClientV4()] == 1 })
			}
			must(l.Clients.Dial(t.Context(), ClientRange().IPv6(1)[0], v6(80)))(t).Close()
		})
	}
}

func TestServerCountsWhatIsCut(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 9}))(t)
	reset := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t).(*net.TCPConn)
	destroyed := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
	defer destroyed.Close()
	finished := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
	await(t, "all are held", func() bool { return s.Counts().Held == 3 })

	finished.Close()
	await(t, "one is closed", func() bool { return s.Counts() == ServerCounts{Held: 2, Accepted: 3} })
	if err := reset.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	reset.Close()
	await(t, "one is reset", func() bool { return s.Counts() == ServerCounts{Held: 1, Accepted: 3, Aborted: 1} })
	err := l.Victim.Do(func() error {
		return netlink.SocketDestroy(net.TCPAddrFromAddrPort(v4(80)), destroyed.LocalAddr())
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)")
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, "one is destroyed", func() bool { return s.Counts() == ServerCounts{Accepted: 3, Aborted: 2} })
}

func TestServerBadConfigs(t *testing.T) {
	at := []netip.AddrPort{v4(80)}
	for _, c := range []struct {
		name, want string
		config     ServerConfig
	}{
		{"no address", "0 listen addresses given, 1 to 16 are allowed", ServerConfig{Capacity: 1}},
		{"no port", "10.77.0.1:0: want a plain", ServerConfig{Listen: []netip.AddrPort{v4(0)}, Capacity: 1}},
		{"mapped", "want a plain", ServerConfig{Listen: []netip.AddrPort{netip.MustParseAddrPort("[::ffff:10.77.0.1]:80")}, Capacity: 1}},
		{"no capacity", "capacity 0: at least 1", ServerConfig{Listen: at}},
		{"negative backlog", "backlog -1", ServerConfig{Listen: at, Capacity: 1, Backlog: -1}},
		{"negative time-out", "idle time-out -1s", ServerConfig{Listen: at, Capacity: 1, IdleTimeout: -time.Second}},
		{"address of nobody", "listen on 192.0.2.1:80: bind: cannot assign", ServerConfig{
			Listen: []netip.AddrPort{v4(81), netip.MustParseAddrPort("192.0.2.1:80")}, Capacity: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			_, err := StartServer(t.Context(), l.Victim, c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if l.Victim.files.taken != 0 {
				t.Errorf("%d descriptors stay promised", l.Victim.files.taken)
			}
		})
	}
}

func TestServerStopFreesItsPort(t *testing.T) {
	l := newLab(t)
	for range 3 {
		s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80), v6(80)}, Capacity: 5}))(t)
		c := must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t)
		await(t, "it is held", func() bool { return s.Counts().Held == 1 })
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if s.Counts().Held != 0 {
			t.Errorf("%+v after Stop", s.Counts())
		}
		c.Close()
	}
}
