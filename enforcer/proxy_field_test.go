package enforcer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// proxyField is a field behind a stateful firewall, with an echo on port 80 and a flood from 60,000 forged
// sources.
type proxyField struct {
	*field
	p       *policy.Policy
	flood   *lab.Spoof
	target  netip.AddrPort
	clients []netip.Addr
	refused netip.Addr // by the firewall
}

func newProxyField(t *testing.T, six bool) *proxyField {
	t.Helper()
	f := quietField(t, six)
	nstest.Stateful(t, f.lab.Victim, 80, true, f.refused)
	nstest.Echo(t, f.lab.Victim, "[::]:80")
	f.flooded(t)
	return f
}

// quietField is one without firewall, echo and flood.
func quietField(t *testing.T, six bool) *proxyField {
	t.Helper()
	svc := web()
	svc.Ports, svc.Connections = []policy.PortRange{{First: 80, Last: 80}}, policy.Connections{}
	f := &proxyField{field: emptyField(t), p: onePolicy(svc), target: netip.AddrPortFrom(lab.VictimV4(), 80)}
	f.clients = lab.ClientRange().IPv4(9)
	if six {
		f.target, f.clients = netip.AddrPortFrom(lab.VictimV6(), 80), lab.ClientRange().IPv6(9)
	}
	f.refused = f.clients[8]
	return f
}

// flooded begins the flood.
func (f *proxyField) flooded(t *testing.T) {
	t.Helper()
	forged := lab.SpoofRange().IPv4(60_000)
	if f.target.Addr().Is6() {
		forged = lab.SpoofRange().IPv6(60_000)
	}
	f.flood = f.spoof(t, f.target.Addr(), forged, proxyFloodRate)
}

// proxied is a decision that has SYNs answered, or only handshakes completed that were begun.
func (f *proxyField) proxied(on bool) *policy.Decision {
	now := boottime.Now()
	p := policy.Proxy{Service: "web", Mode: policy.Enforce, MSS4: 1400, MSS6: 1380, Drain: now + 400*second}
	if on {
		p.Since, p.Until = now, now+300*second
	}
	return &policy.Decision{At: now, Proxies: []policy.Proxy{p}}
}

func (f *proxyField) have(t *testing.T, d *policy.Decision) {
	t.Helper()
	if err := f.table.Apply(Diff(f.table.Have(), Compile(f.p, d, Environment{OthersTrack: true}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
}

// more waits for so many more forged SYNs.
func (f *proxyField) more(t *testing.T, n uint64) {
	t.Helper()
	from := f.flood.Counts().Sent
	nstest.Await(t, fmt.Sprintf("%d more forged SYNs", n), func() bool { return f.flood.Counts().Sent >= from+n })
}

func (f *proxyField) talk(t *testing.T, from netip.Addr) *nstest.Talk {
	t.Helper()
	c, err := nstest.StartTalk(t.Context(), f.lab.Clients, from, f.target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// say has a client of its own say a word.
func (f *proxyField) say(t *testing.T, from netip.Addr) {
	t.Helper()
	c := f.talk(t, from)
	if err := c.Say("hello"); err != nil {
		t.Errorf("a request of %s: %v", from, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// negotiated checks what a new connection agrees on: of a proxied one no more than a cookie has room for,
// so that it lives on without the proxy.
func (f *proxyField) negotiated(t *testing.T, proxied bool) {
	t.Helper()
	got, err := f.talk(t, f.clients[0]).Negotiated()
	if err != nil {
		t.Fatal(err)
	}
	want := nstest.Negotiated{Segment: 1400}
	if f.target.Addr().Is6() {
		want.Segment = 1380
	}
	if proxied && got != want {
		t.Errorf("a proxied connection has %+v, want %+v", got, want)
	}
	if !proxied && (!got.Scaling || got.SendScale == 0 || !got.SACK) {
		t.Errorf("a connection that is not proxied has %+v", got)
	}
}

// lasting opens a connection that is idle and one that moves data both ways, does something in the middle
// of it, and waits until all data has come through.
func (f *proxyField) lasting(t *testing.T, midway func()) (idle, moving *nstest.Talk) {
	t.Helper()
	idle, moving = f.talk(t, f.clients[2]), f.talk(t, f.clients[3])
	if err := idle.Say("before"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := moving.Exchange(transfer); err != nil {
			t.Errorf("a transfer of %d bytes: %v", transfer, err)
		}
	})
	nstest.Await(t, "a fifth of the transfer", func() bool { return moving.Back() > transfer/5 || t.Failed() })
	if moving.Back() == transfer {
		t.Error("the transfer was over before anything happened")
	}
	midway()
	wg.Wait()
	return idle, moving
}

// late connects from a client whose acknowledgement waits for up to 200 ms (TCP_QUICKACK of tcp(7)).
func (f *proxyField) late(t *testing.T) *nstest.Talk {
	t.Helper()
	d := net.Dialer{Timeout: 10 * time.Second, Control: func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0) }), err)
	}}
	var c net.Conn
	if err := f.lab.Clients.Do(func() (err error) {
		c, err = d.Dial("tcp", f.target.String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &nstest.Talk{Conn: c}
}
