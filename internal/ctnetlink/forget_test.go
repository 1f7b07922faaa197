package ctnetlink

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// TestForgettingEndsNothing is why a cut of forwarded connections takes more than to delete their
// entries: whatever comes next takes the connection up again, translated as before, in either family.
func TestForgettingEndsNothing(t *testing.T) {
	l := nstest.Lab(t)
	if err := l.AddContainer(lab.Publication{Port: 8080, To: 80}); err != nil {
		t.Fatal(err)
	}
	server, err := lab.StartServer(t.Context(), l.Container, lab.ServerConfig{Listen: []netip.AddrPort{ap("[::]:80")}, Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	var c *Conn
	if err := l.Victim.Do(func() (err error) {
		c, err = Open()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	four, six := lab.AttackRange().IPv4(1)[0], lab.AttackRange().IPv6(1)[0]
	for _, tt := range []struct {
		name string
		from netip.Addr
		to   netip.AddrPort
	}{
		{"IPv4, DNAT", four, netip.AddrPortFrom(lab.VictimV4(), 8080)},
		{"IPv6, DNAT", six, netip.AddrPortFrom(lab.VictimV6(), 8080)},
		{"IPv4, routed", four, netip.AddrPortFrom(lab.ContainerV4(), 80)},
		{"IPv6, routed", six, netip.AddrPortFrom(lab.ContainerV6(), 80)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := l.Attackers.Dial(t.Context(), tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			request(t, conn)
			before := entry(t, c, tt.from, tt.to)
			if err := c.Delete([]Entry{before}, func(_ int, err error) { t.Error(err) }); err != nil {
				t.Fatal(err)
			}
			if n := len(entries(t, c, tt.from, tt.to)); n != 0 {
				t.Fatalf("%d entries left", n)
			}
			aborted := server.Counts().Aborted
			request(t, conn)
			after := entry(t, c, tt.from, tt.to)
			if after.State != Established || after.Reply != before.Reply {
				t.Errorf("taken up as %+v, was %+v", after, before)
			}
			if n := server.Counts().Aborted; n != aborted {
				t.Errorf("the server lost %d connections", n-aborted)
			}
		})
	}
}

// request has the server answer on a connection.
func request(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 4096)); err != nil || n == 0 {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// entries returns what conntrack has of a client's connections to an address and port.
func entries(t *testing.T, c *Conn, from netip.Addr, to netip.AddrPort) []Entry {
	t.Helper()
	var list []Entry
	for _, e := range find(t, c, Request{Protocol: unix.IPPROTO_TCP, Port: to.Port()}) {
		if e.Original.From().Addr() == from && e.Original.To() == to && e.State == Established {
			list = append(list, e)
		}
	}
	return list
}

func entry(t *testing.T, c *Conn, from netip.Addr, to netip.AddrPort) Entry {
	t.Helper()
	list := entries(t, c, from, to)
	if len(list) != 1 {
		t.Fatalf("%d entries of %v to %v, want one", len(list), from, to)
	}
	return list[0]
}
