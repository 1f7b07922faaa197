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

const (
	// proxyFloodRate is slow enough for two cores under the race detector, and fills a conntrack table
	// in seconds.
	proxyFloodRate = 10_000
	transfer       = 50 << 20
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

// withdrawals are the ways in which the proxy goes.
var withdrawals = []struct {
	name     string
	withdraw func(t *testing.T, f *proxyField)
	left     bool // something answers SYNs still
}{
	{"drained", func(t *testing.T, f *proxyField) { f.have(t, f.proxied(false)) }, false},
	{"removed", func(t *testing.T, f *proxyField) { f.have(t, &policy.Decision{}) }, false},
	{"replaced", func(t *testing.T, f *proxyField) {
		f.table.have.Known = false
		f.have(t, f.proxied(true))
	}, true},
	{"lease over", func(t *testing.T, f *proxyField) {
		d := f.proxied(true)
		d.Proxies[0].Until, d.Proxies[0].Drain = d.At+second, d.At+2*second
		f.table.have.Known = false
		f.have(t, d)
		nstest.Await(t, "the leases to end", func() bool { return boottime.Now() > d.Proxies[0].Drain })
	}, false},
}

// TestProxyCarriesRealClients: with the proxy on, clients are served in every way while the flood goes on,
// and conntrack keeps nothing of it; what they have open lives on when the proxy goes.
func TestProxyCarriesRealClients(t *testing.T) {
	for _, w := range withdrawals {
		for _, six := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, IPv6 %t", w.name, six), func(t *testing.T) {
				f := newProxyField(t, six)
				f.have(t, f.proxied(true))
				f.more(t, 1000)
				before := f.conntrack(t)
				for _, c := range f.clients[:8] {
					for range 5 {
						f.say(t, c)
					}
				}
				f.negotiated(t, true)
				idle, moving := f.lasting(t, func() { w.withdraw(t, f) })
				if err := idle.Say("after"); err != nil {
					t.Errorf("an idle connection after the proxy: %v", err)
				}
				if err := moving.Say("after"); err != nil {
					t.Errorf("a connection that moved data: %v", err)
				}
				f.negotiated(t, w.left)
				if w.left {
					f.more(t, 10_000)
					if grown := f.conntrack(t) - before; grown > 500 {
						t.Errorf("the flood left %d conntrack entries", grown)
					}
				} else {
					f.say(t, f.clients[1])
				}
				stopSpoof(t, f.flood)
			})
		}
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

// TestProxyKeepsTheFloodOutOfConntrack measures what it is for: the same flood, without and with it.
func TestProxyKeepsTheFloodOutOfConntrack(t *testing.T) {
	f := newProxyField(t, false)
	f.more(t, 10_000)
	without := f.conntrack(t)
	f.have(t, f.proxied(true))
	f.more(t, 1000)
	from := f.conntrack(t)
	f.more(t, 10_000)
	with := f.conntrack(t) - from
	if without < 5_000 || with > 500 {
		t.Errorf("10,000 forged SYNs leave %d conntrack entries without the proxy and %d with it", without, with)
	}
	if n := f.counts(t).Proxied; n < 10_000 {
		t.Errorf("%d SYNs were answered by the proxy", n)
	}
	stopSpoof(t, f.flood)
}

// TestProxyOpensNothingTheFirewallRefuses: a client whom the host's own filter turns away stays out.
func TestProxyOpensNothingTheFirewallRefuses(t *testing.T) {
	for _, six := range []bool{false, true} {
		f := newProxyField(t, six)
		f.have(t, f.proxied(true))
		f.more(t, 1000)
		if c, err := f.try(t, f.lab.Clients, f.refused, f.target, time.Second); err == nil {
			t.Errorf("IPv6 %t: a client the firewall refuses got a connection", six)
			_ = c.Close()
		}
		f.say(t, f.clients[0])
		stopSpoof(t, f.flood)
	}
}

// TestProxyExemptsNobody: an exempt address can be forged, so it is proxied like any other (P4).
func TestProxyExemptsNobody(t *testing.T) {
	f := newProxyField(t, false)
	f.p.Exempt.Prefixes = []netip.Prefix{netip.PrefixFrom(f.clients[0], 32)}
	f.have(t, f.proxied(true))
	f.negotiated(t, true)
	stopSpoof(t, f.flood)
}

// TestProxyInShadowPasses: SYNs are counted and reach the listener.
func TestProxyInShadowPasses(t *testing.T) {
	f := newProxyField(t, false)
	f.p.Services[0].Mode = policy.Shadow
	f.have(t, f.proxied(true))
	f.negotiated(t, false)
	f.more(t, 1000)
	if n := f.counts(t).Proxied; n < 500 {
		t.Errorf("%d SYNs were counted", n)
	}
	stopSpoof(t, f.flood)
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

// TestProxyCompletesWhatItBegan: a client whose acknowledgement is on its way when SYNs cease to be answered
// is let in.
func TestProxyCompletesWhatItBegan(t *testing.T) {
	f := newProxyField(t, false)
	for range 20 { // one of them is sure to be slower than we are
		f.have(t, f.proxied(true))
		c := f.late(t)
		f.have(t, f.proxied(false))
		before := f.packets(t)["web_completed"]
		if err := c.Say("late"); err != nil {
			t.Fatalf("a handshake that was begun: %v", err)
		}
		if f.packets(t)["web_completed"] > before {
			stopSpoof(t, f.flood)
			return
		}
	}
	t.Error("no acknowledgement came late")
}

// TestProxyLeavesWatchedSourcesAtTheirLimit: what the kernel counts for a source is the same behind the proxy.
func TestProxyLeavesWatchedSourcesAtTheirLimit(t *testing.T) {
	f := newProxyField(t, false)
	f.p.Services[0].Connections.PerSource = 5
	d := f.proxied(true)
	d.Watched = []policy.Watched{{Service: "web", Source: netip.PrefixFrom(f.clients[0], 32), Mode: policy.Enforce, Until: d.Proxies[0].Until}}
	f.have(t, d)
	opened := 0
	for range 12 {
		c, err := f.try(t, f.lab.Clients, f.clients[0], f.target, time.Second)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = c.Close() })
		opened++
		if err := (&nstest.Talk{Conn: c}).Say("hello"); err != nil {
			t.Errorf("connection %d: %v", opened, err)
		}
	}
	if opened != 5 {
		t.Errorf("a source that may hold 5 connections opened %d", opened)
	}
	f.say(t, f.clients[1])
	stopSpoof(t, f.flood)
}
