package enforcer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// passage is a laboratory whose victim passes connections on to a container, with Table and Closer at
// work in the victim.
type passage struct {
	lab    *lab.Lab
	server *lab.Server
	table  *Table
	closer *Closer
	policy *policy.Policy
	to     netip.AddrPort
}

// passages are the ways through the victim.
var passages = []struct {
	name       string
	to         netip.AddrPort
	addresses  []netip.Addr // of the service
	from, good string
	source     string // as a limit names it
}{
	{"IPv4, DNAT", netip.AddrPortFrom(lab.VictimV4(), 8080), nil, "10.66.0.1", "10.66.0.2", "10.66.0.1/32"},
	{"IPv6, DNAT", netip.AddrPortFrom(lab.VictimV6(), 8080), nil, "fd66:0:0:1::1", "fd66:0:0:2::1", "fd66:0:0:1::/64"},
	{"IPv4, routed", netip.AddrPortFrom(lab.ContainerV4(), 80), []netip.Addr{lab.ContainerV4()}, "10.66.0.1", "10.66.0.2", "10.66.0.1/32"},
	{"IPv6, routed", netip.AddrPortFrom(lab.ContainerV6(), 80), []netip.Addr{lab.ContainerV6()}, "fd66:0:0:1::1", "fd66:0:0:2::1", "fd66:0:0:1::/64"},
}

func newPassage(t *testing.T, to netip.AddrPort, addresses []netip.Addr) *passage {
	t.Helper()
	p := &passage{lab: nstest.Lab(t), to: to}
	if err := p.lab.AddContainer(lab.Publication{Port: 8080, To: 80}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.server, err = lab.StartServer(t.Context(), p.lab.Container, lab.ServerConfig{Capacity: 100, Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}}); err != nil {
		t.Fatal(err)
	}
	p.inside(t, func() (err error) {
		if p.table, err = Open(); err != nil {
			return err
		}
		p.closer, err = OpenCloser(p.table)
		return err
	})
	t.Cleanup(func() {
		if err := errors.Join(p.table.Close(), p.closer.Close()); err != nil {
			t.Error(err)
		}
	})
	svc := web()
	svc.Ports = []policy.PortRange{{First: to.Port(), Last: to.Port()}}
	svc.Addresses, svc.Traffic = addresses, policy.Forwarded
	svc.Connections.CloseExcess = true
	p.policy = onePolicy(svc)
	return p
}

// inside runs f in the victim's namespace.
func (p *passage) inside(t *testing.T, f func() error) {
	t.Helper()
	if err := p.lab.Victim.Do(f); err != nil {
		t.Fatal(err)
	}
}

// open opens n connections from an attacker's address and waits until the server has them.
func (p *passage) open(t *testing.T, from string, n int) []net.Conn {
	t.Helper()
	was := p.server.Counts().Held
	var list []net.Conn
	for range n {
		c, err := p.lab.Attackers.Dial(t.Context(), netip.MustParseAddr(from), p.to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		list = append(list, c)
	}
	nstest.Await(t, fmt.Sprintf("%d connections of %s at the server", n, from), func() bool { return p.server.Counts().Held == was+n })
	return list
}

// cut makes a decision hold and closes what it asks to close.
func (p *passage) cut(t *testing.T, d *policy.Decision) Closed {
	t.Helper()
	d.At = boottime.Now()
	var closed Closed
	p.inside(t, func() (err error) {
		if err := p.table.Apply(Diff(p.table.Have(), Compile(p.policy, d, Environment{OthersTrack: true}), boottime.Now())); err != nil {
			return err
		}
		closed, err = p.closer.Cut(p.policy, d)
		return err
	})
	return closed
}

// tracked counts the connections of an address that conntrack takes to be established.
func (p *passage) tracked(t *testing.T, from string) int {
	t.Helper()
	n := 0
	if err := p.closer.tracks.Dump(ctnetlink.Request{}, func(e *ctnetlink.Entry) {
		if held, _ := e.Stage(); held && e.Original.From().Addr() == netip.MustParseAddr(from) {
			n++
		}
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// ask sends a request and returns what comes of it within a while: nil for an answer.
func ask(c net.Conn, wait time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 4096))
	return err
}

// TestForwardedExcessIsCut: the connections beyond a limit are gone at the server at once, though
// neither side says anything, and at the client with its next packet; the others go on.
func TestForwardedExcessIsCut(t *testing.T) {
	for _, tt := range passages {
		t.Run(tt.name, func(t *testing.T) {
			p := newPassage(t, tt.to, tt.addresses)
			theirs, good := p.open(t, tt.from, 6), p.open(t, tt.good, 3)
			l := over(tt.source, 2)
			l.Refuse, l.Until = true, boottime.Now()+60*second
			d := &policy.Decision{Limits: []policy.Limit{l}}
			closed := p.cut(t, d)
			if closed.Counts["web"] != 4 || closed.Left != 0 || len(closed.BySource) != 1 || closed.BySource[0].Source.String() != tt.source {
				t.Errorf("closed %+v, want 4 of %s", closed, tt.source)
			}
			nstest.Await(t, "the server's slots to come back", func() bool { return p.server.Counts().Held == 2+3 })
			answered, reset := 0, 0
			for _, c := range theirs {
				switch err := ask(c, 5*time.Second); {
				case err == nil:
					answered++
				case errors.Is(err, unix.ECONNRESET):
					reset++
				default:
					t.Errorf("a client sees %v", err)
				}
			}
			if answered != 2 || reset != 4 {
				t.Errorf("%d connections of the limited source were answered and %d reset, want 2 and 4", answered, reset)
			}
			for _, c := range good {
				if err := ask(c, 5*time.Second); err != nil {
					t.Errorf("another client sees %v", err)
				}
			}
			if n, m := p.tracked(t, tt.from), p.tracked(t, tt.good); n != 2 || m != 3 {
				t.Errorf("conntrack knows %d and %d connections, want 2 and 3", n, m)
			}
			if again := p.cut(t, d); len(again.Counts) != 0 {
				t.Errorf("a second run closed %+v", again)
			}
		})
	}
}

// TestForwardedBlockCuts: everything a blocked source holds is gone at the server at once. The client
// is told nothing: its packets are dropped.
func TestForwardedBlockCuts(t *testing.T) {
	for _, tt := range passages {
		t.Run(tt.name, func(t *testing.T) {
			p := newPassage(t, tt.to, tt.addresses)
			theirs, good := p.open(t, tt.from, 6), p.open(t, tt.good, 3)
			b := blocked(tt.source)
			b.Until = boottime.Now() + 60*second
			if closed := p.cut(t, &policy.Decision{Blocks: []policy.Block{b}}); closed.Counts["web"] != 6 {
				t.Errorf("closed %+v, want 6", closed)
			}
			nstest.Await(t, "the server's slots to come back", func() bool { return p.server.Counts().Held == 3 })
			if err := ask(theirs[0], 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the blocked client sees %v, want nothing", err)
			}
			for _, c := range good {
				if err := ask(c, 5*time.Second); err != nil {
					t.Errorf("another client sees %v", err)
				}
			}
			if n, m := p.tracked(t, tt.from), p.tracked(t, tt.good); n != 0 || m != 3 {
				t.Errorf("conntrack knows %d and %d connections, want 0 and 3", n, m)
			}
		})
	}
}
