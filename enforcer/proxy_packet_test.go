package enforcer

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

const (
	// proxyFloodRate is slow enough for two cores under the race detector, and fills a conntrack table
	// in seconds.
	proxyFloodRate = 10_000
	transfer       = 50 << 20
)

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
