package enforcer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/internal/ownaddr"
	"ebbgate/policy"
)

// TestProdHarmsNoConnection: a server whose connection is not cut answers a prod, and nothing else
// happens to it: with the rules in force, and without any.
func TestProdHarmsNoConnection(t *testing.T) {
	for _, tt := range passages {
		t.Run(tt.name, func(t *testing.T) {
			p := newPassage(t, tt.to, tt.addresses)
			conn := p.open(t, tt.from, 1)[0]
			d := &policy.Decision{Limits: []policy.Limit{over(tt.source, 0)}}
			w := newCut(p.policy, d)
			var err error
			p.inside(t, func() error {
				w.own, err = ownaddr.Read()
				return errors.Join(err, p.closer.passedOn(w))
			})
			victims := w.victims()
			if len(victims) != 1 {
				t.Fatalf("%d connections", len(victims))
			}
			for range 20 {
				p.inside(t, func() error { return prod(victims[0].flow) })
				if err := ask(conn, 5*time.Second); err != nil {
					t.Fatalf("after a prod the client sees %v", err)
				}
			}
			if c := p.server.Counts(); c.Aborted != 0 || c.Held != 1 {
				t.Errorf("the server counts %+v", c)
			}
			if n := p.tracked(t, tt.from); n != 1 {
				t.Errorf("conntrack knows %d connections", n)
			}
		})
	}
}

// flowOf is a flow as prod needs it, from a client to a server.
func flowOf(client, server string) *flow {
	c, s := netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	return &flow{reply: ctnetlink.Tuple{Source: s.Addr().As16(), Destination: c.Addr().As16(), SourcePort: s.Port(), DestinationPort: c.Port()}}
}

// TestProdWithCapabilities: CAP_NET_ADMIN suffices for clients with ordinary ports, and those with low ones
// take CAP_NET_BIND_SERVICE as well.
func TestProdWithCapabilities(t *testing.T) {
	nstest.Enter(t) // the thread ends with the test, and what it gives up with it
	nstest.Assign(t, "10.77.0.1/32")
	nstest.Assign(t, "fd77::1/128")
	ordinary := []*flow{flowOf("10.66.0.1:1024", "10.77.0.1:80"), flowOf("[fd66::1]:40000", "[fd77::1]:80")}
	low := []*flow{flowOf("10.66.0.1:1023", "10.77.0.1:80"), flowOf("[fd66::1]:20", "[fd77::1]:80")}
	const admin, bind = 1 << unix.CAP_NET_ADMIN, 1 << unix.CAP_NET_BIND_SERVICE
	for _, tt := range []struct {
		name string
		caps uint32
		low  error
	}{{"both", admin | bind, nil}, {"CAP_NET_ADMIN alone", admin, unix.EACCES}} {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		data := [2]unix.CapUserData{{Effective: tt.caps, Permitted: admin | bind}}
		if err := unix.Capset(&header, &data[0]); err != nil {
			t.Fatal(err)
		}
		for i := range ordinary {
			if err := prod(ordinary[i]); err != nil {
				t.Errorf("%s: an ordinary port: %v", tt.name, err)
			}
			if err := prod(low[i]); !errors.Is(err, tt.low) {
				t.Errorf("%s: a low port: %v, want %v", tt.name, err, tt.low)
			}
		}
	}
}

// TestProdLeavesLinkLocalAlone: the kernel would refuse to bind such an address without its link.
func TestProdLeavesLinkLocalAlone(t *testing.T) {
	nstest.Enter(t)
	for _, f := range []*flow{flowOf("[fe80::1]:4000", "[fe80::2]:80"), flowOf("[fe80::1]:4000", "[fd66::1]:80"), flowOf("[fd66::1]:4000", "[fe80::2]:80")} {
		if err := prod(f); err != nil {
			t.Errorf("%v: %v", f.reply.To(), err)
		}
	}
	if err := prod(flowOf("169.254.0.1:4000", "169.254.0.2:80")); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("IPv4, which needs no link, is not tried: %v", err)
	}
}

// TestCutWithoutProd: where no prod can be sent, that is said once, and a server keeps a cut connection
// until it next sends something, which is answered with a reset.
func TestCutWithoutProd(t *testing.T) {
	for _, tt := range []struct {
		name, from, source string
		server             netip.Addr
	}{{"IPv4", "10.66.0.1", "10.66.0.1/32", lab.ContainerV4()}, {"IPv6", "fd66:0:0:1::1", "fd66:0:0:1::/64", lab.ContainerV6()}} {
		t.Run(tt.name, func(t *testing.T) {
			to := netip.AddrPortFrom(tt.server, 90)
			p := newPassage(t, to, []netip.Addr{tt.server})
			tried := 0
			p.closer.prod = func(*flow) error { tried++; return unix.EAFNOSUPPORT }
			servers := p.serve(t, tt.from, to, 3)
			l := over(tt.source, 1)
			l.Refuse, l.Until = true, boottime.Now()+60*second
			d := &policy.Decision{At: boottime.Now(), Limits: []policy.Limit{l}}
			var closed Closed
			var err error
			p.inside(t, func() error {
				if err := p.table.Apply(Diff(p.table.Have(), Compile(p.policy, d, Environment{OthersTrack: true}), boottime.Now())); err != nil {
					return err
				}
				closed, err = p.closer.Cut(p.policy, d)
				return nil
			})
			if closed.Counts["web"] != 2 || tried != 1 || err == nil || !strings.Contains(err.Error(), "which they hold until they next send something") {
				t.Errorf("closed %+v, %d prods tried, %v", closed, tried, err)
			}
			if n := p.tracked(t, tt.from); n != 1 {
				t.Errorf("conntrack knows %d connections, want 1", n)
			}
			reset := 0
			for _, s := range servers {
				if s.TryWrite([]byte("x")) != nil {
					t.Error("a server lost its connection before it sent anything")
				}
			}
			nstest.Await(t, "the resets to be there", func() bool {
				reset = 0
				for _, s := range servers {
					if s.TryWrite([]byte("x")) != nil {
						reset++
					}
				}
				return reset >= 2
			})
			if reset != 2 {
				t.Errorf("%d servers were reset, want 2", reset)
			}
		})
	}
}

// served is the server's end of a connection.
type served struct{ net.Conn }

// TryWrite sends b and returns the error, for connections that may have been cut.
func (s served) TryWrite(b []byte) error {
	_, err := s.Write(b)
	return err
}

// serve opens n connections to a listener of its own in the container and returns the server's ends.
func (p *passage) serve(t *testing.T, from string, to netip.AddrPort, n int) []served {
	t.Helper()
	var ln net.Listener
	if err := p.lab.Container.Do(func() (err error) {
		ln, err = net.Listen("tcp", to.String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var list []served
	for range n {
		c, err := p.lab.Attackers.Dial(t.Context(), netip.MustParseAddr(from), to)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Close(), s.Close() })
		list = append(list, served{s})
	}
	return list
}

// BenchmarkForwardedCut cuts forwarded connections: conntrack's dump, a mark, a deletion and a prod for each.
func BenchmarkForwardedCut(b *testing.B) {
	for _, tt := range []struct {
		name string
		prod bool
	}{{"entries alone", false}, {"with prods", true}} {
		b.Run(tt.name, func(b *testing.B) {
			const n = 5000
			nstest.Enter(b)
			nstest.Assign(b, "10.77.0.1/32")
			table := resume(b, -1)
			c, err := OpenCloser(table)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			if !tt.prod {
				c.prod = func(*flow) error { return nil }
			}
			p := passing(policy.Forwarded, onePolicy(web()))
			d := &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.0/16")}}
			if err := table.Apply(Diff(table.Have(), Compile(p, d, Environment{OthersTrack: true}), boottime.Now())); err != nil {
				b.Fatal(err)
			}
			flows := make([]nstest.Flow, n)
			for i := range flows {
				flows[i] = nstest.Flow{From: netip.MustParseAddrPort(fmt.Sprintf("10.66.%d.%d:4000", i/250, i%250+1)), To: netip.MustParseAddrPort("10.77.0.1:80"),
					ReplyFrom: netip.MustParseAddrPort("127.55.0.2:80"), Status: 6, State: 3}
				flows[i].ReplyTo = flows[i].From
			}
			for range b.N {
				b.StopTimer()
				nstest.Track(b, flows...)
				b.StartTimer()
				if closed, err := c.Cut(p, d); err != nil || closed.Counts["web"] != n {
					b.Fatalf("%d of %d closed, %v", closed.Counts["web"], n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/connection")
		})
	}
}
