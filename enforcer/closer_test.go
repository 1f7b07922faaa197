package enforcer

import (
	"fmt"
	"net/netip"
	"testing"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// closing is a network namespace with a server and a Closer.
type closing struct {
	closer   *Closer
	listener *nstest.Sock
	port     uint16
}

func openClosing(t *testing.T, listen string) *closing {
	t.Helper()
	nstest.Enter(t)
	// Sources that are local but not addresses of the host.
	nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
	nstest.Assign(t, "10.1.0.1/32")
	nstest.Assign(t, "fd01::1/128")
	c, err := OpenCloser(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	l := nstest.Listen(t, listen, 128)
	return &closing{closer: c, listener: l, port: l.LocalPort()}
}

// pair is both ends of one connection.
type pair struct{ client, server *nstest.Sock }

// connect opens n connections from one address, each of which sends a byte if it speaks.
func (c *closing) connect(t *testing.T, from, to string, n int, speaks bool) []pair {
	t.Helper()
	var out []pair
	for range n {
		p := pair{client: nstest.Dial(t, from, fmt.Sprintf("%s:%d", to, c.port))}
		p.server = c.listener.Accept()
		if speaks {
			p.client.Write([]byte("x"))
			if err := p.server.Read(); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, p)
	}
	return out
}

// alive counts the connections that still work from server to client.
func alive(pairs []pair) int {
	n := 0
	for _, p := range pairs {
		if p.server.TryWrite([]byte("y")) == nil {
			n++
		}
	}
	return n
}

func (c *closing) policy() *policy.Policy {
	svc := web()
	svc.Ports = []policy.PortRange{{First: c.port, Last: c.port}}
	return onePolicy(svc)
}

// over is a limit that asks for closing down to keep.
func over(source string, keep int) policy.Limit {
	l := limit("web", source, true, 0)
	l.Close, l.Max = true, keep
	return l
}

func (c *closing) excess(t *testing.T, p *policy.Policy, limits ...policy.Limit) int {
	t.Helper()
	closed, err := c.closer.Cut(p, &policy.Decision{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	if closed.Left != 0 {
		t.Errorf("%d connections left to close", closed.Left)
	}
	return closed.Counts["web"]
}

func TestExcessIsClosedDownToTheLimit(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	silent := c.connect(t, "10.66.0.1:0", "10.1.0.1", 8, false)
	speaking := c.connect(t, "10.66.0.1:0", "10.1.0.1", 4, true)
	other := c.connect(t, "10.66.0.2:0", "10.1.0.1", 9, false)
	if n := c.excess(t, c.policy(), over("10.66.0.1/32", 5)); n != 7 {
		t.Errorf("closed %d, want 7", n)
	}
	if n := alive(silent); n != 1 {
		t.Errorf("%d silent connections left, want 1: they go first", n)
	}
	if n := alive(speaking); n != 4 {
		t.Errorf("%d of 4 speaking connections left", n)
	}
	if n := alive(other); n != 9 {
		t.Errorf("%d of 9 connections of another source left", n)
	}
	if n := c.excess(t, c.policy(), over("10.66.0.1/32", 5)); n != 0 {
		t.Errorf("a second run closed %d", n)
	}
}

func TestExcessOfAnIPv6PrefixAndAMappedSource(t *testing.T) {
	c := openClosing(t, "[::]:0")
	var pairs []pair
	for i := range 10 {
		pairs = append(pairs, c.connect(t, fmt.Sprintf("[fd66::%x]:0", i+1), "[fd01::1]", 1, false)...)
	}
	mapped := c.connect(t, "10.66.0.9:0", "10.1.0.1", 6, false)
	if n := c.excess(t, c.policy(), over("fd66::/64", 4), over("10.66.0.9/32", 2)); n != 10 {
		t.Errorf("closed %d, want 6 and 4", n)
	}
	if v6, v4 := alive(pairs), alive(mapped); v6 != 4 || v4 != 2 {
		t.Errorf("%d and %d left, want 4 and 2", v6, v4)
	}
}

func TestExcessSparesTheExemptAndTheHost(t *testing.T) {
	c := openClosing(t, "[::]:0")
	p := c.policy()
	p.Exempt.Prefixes = prefixes("fd66::7/128", "10.66.1.0/24")
	inside := c.connect(t, "[fd66::7]:0", "[fd01::1]", 5, false)
	offender := c.connect(t, "[fd66::8]:0", "[fd01::1]", 5, false)
	exempt := c.connect(t, "10.66.1.1:0", "10.1.0.1", 5, false)
	host := c.connect(t, "10.1.0.1:0", "10.1.0.1", 5, false)
	n := c.excess(t, p, over("fd66::/64", 2), over("10.66.1.1/32", 2), over("10.1.0.1/32", 2))
	if n != 3 {
		t.Errorf("closed %d, want the 3 of the offender", n)
	}
	for _, tt := range []struct {
		name  string
		pairs []pair
		want  int
	}{{"exempt inside the prefix", inside, 5}, {"offender", offender, 2}, {"exempt", exempt, 5}, {"the host's own", host, 5}} {
		if got := alive(tt.pairs); got != tt.want {
			t.Errorf("%s: %d left, want %d", tt.name, got, tt.want)
		}
	}
}

func TestExcessLeavesAlone(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	pairs := c.connect(t, "10.66.0.1:0", "10.1.0.1", 6, false)
	shadow := over("10.66.0.1/32", 2)
	shadow.Mode = policy.Shadow
	unasked := over("10.66.0.1/32", 2)
	unasked.Close = false
	gone := over("10.66.0.1/32", 2)
	gone.Service = "gone"
	elsewhere := c.policy()
	elsewhere.Services[0].Addresses = []netip.Addr{netip.MustParseAddr("10.1.0.2")}
	for _, tt := range []struct {
		name  string
		p     *policy.Policy
		limit policy.Limit
	}{
		{"shadow", c.policy(), shadow}, {"not asked to close", c.policy(), unasked}, {"a service that is gone", c.policy(), gone},
		{"another local address", elsewhere, over("10.66.0.1/32", 2)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n := c.excess(t, tt.p, tt.limit); n != 0 {
				t.Errorf("closed %d", n)
			}
		})
	}
	if n := alive(pairs); n != 6 {
		t.Errorf("%d of 6 left", n)
	}
}

func TestExcessSparesOutgoingConnections(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	// The host connects out from a port of the service to a source that is limited on it.
	elsewhere := nstest.Listen(t, "10.66.0.1:0", 16)
	c.listener.Close()
	out := nstest.Dial(t, fmt.Sprintf("10.1.0.1:%d", c.port), fmt.Sprintf("10.66.0.1:%d", elsewhere.LocalPort()))
	if n := c.excess(t, c.policy(), over("10.66.0.1/32", 0)); n != 0 {
		t.Errorf("closed %d", n)
	}
	if err := out.TryWrite([]byte("x")); err != nil {
		t.Errorf("the host's own connection was cut: %v", err)
	}
}
