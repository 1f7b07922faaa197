package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// besieged is a stage whose victim has a firewall that relies on conntrack, an echo as its service, and the
// daemon, under a spoofed flood.
type besieged struct {
	*stage
	daemon  *daemon
	flood   *lab.Spoof
	target  netip.AddrPort
	clients []netip.Addr
}

func newBesieged(t *testing.T, six, strict bool) *besieged {
	t.Helper()
	b := &besieged{stage: newStage(t), target: v4(), clients: lab.ClientRange().IPv4(10)}
	forged := lab.SpoofRange().IPv4(60_000)
	if six {
		b.target, b.clients, forged = v6(), lab.ClientRange().IPv6(10), lab.SpoofRange().IPv6(60_000)
	}
	b.forgetful()
	nstest.Stateful(t, b.Victim, port, strict)
	nstest.Echo(t, b.Victim, everywhere().String())
	b.daemon = b.kindDaemon(kindPolicy{})
	b.flood = b.spoof(b.target, forged, 10_000)
	return b
}

func (b *besieged) talk(from netip.Addr) *nstest.Talk {
	b.t.Helper()
	c, err := nstest.StartTalk(b.t.Context(), b.Clients, from, b.target)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// request has every client connect, ask and leave, ten times. All must be served.
func (b *besieged) request(when string) {
	b.t.Helper()
	for i := range 10 * len(b.clients) {
		c := b.talk(b.clients[i%len(b.clients)])
		if err := c.Say("hello"); err != nil {
			b.t.Errorf("%s, request %d: %v", when, i, err)
		}
		_ = c.Close()
	}
}

// awaitProxy waits until SYNPROXY has answered a thousand SYNs.
func (b *besieged) awaitProxy() {
	b.t.Helper()
	b.daemon.awaitStatus("SYNPROXY is on", func(s *control.Status) error {
		if p := s.Services[0].Proxy; p == nil || !p.Answering || s.Services[0].ProxiedPackets < 1000 {
			return fmt.Errorf("open are %v, proxy %+v, %d answered", openKinds(s), p, s.Services[0].ProxiedPackets)
		}
		return healthy(s)
	})
}

// passing is a condition: no way leads to the proxy any more.
func (b *besieged) passing() error {
	if rules := b.rules(); strings.Contains(rules, ": jump shop_offer") || strings.Contains(rules, ": jump shop_complete") {
		return errors.New("there is a way to it")
	}
	return nil
}

// TestProxyUnderASpoofedFlood: behind a firewall that uses conntrack, SYNPROXY keeps a spoofed flood out of its
// table while every client is served, and whatever ends it, connections live on: idle ones and those that
// move data.
func TestProxyUnderASpoofedFlood(t *testing.T) {
	if forcedOld {
		b := newBesieged(t, false, true)
		b.checkAdvised("CONFIG_NFT_SYNPROXY")
		return
	}
	for _, tt := range []struct {
		name string
		six  bool
		by   func(b *besieged)
	}{
		{"the flood ends", false, func(b *besieged) { b.stop(b.flood) }},
		{"the daemon is stopped", true, func(b *besieged) { b.daemon.signal(syscall.SIGTERM); b.daemon.wait() }},
		{"the daemon is killed", false, func(b *besieged) { b.daemon.signal(syscall.SIGKILL) }},
		{"the daemon hangs", true, func(b *besieged) { b.daemon.signal(syscall.SIGSTOP) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBesieged(t, tt.six, true)
			b.awaitProxy()
			before := b.conntrack()
			b.sent(b.flood, 20_000)
			b.request("with the proxy on")
			if grown := b.conntrack() - before; grown > 1000 {
				t.Errorf("20,000 forged SYNs and 100 requests left %d conntrack entries", grown)
			}
			if err := unpunishedBeside(b.daemon.status()); err != nil {
				t.Error(err)
			}
			b.lasting(func() {
				tt.by(b)
				await(t, 30*time.Second, "no way leads to the proxy", b.passing)
			})
			b.request("with the proxy gone")
		})
	}
}

// lasting keeps a connection idle and has another move 8 MiB both ways again and again, until something
// has happened, and then once more.
func (b *besieged) lasting(happens func()) {
	b.t.Helper()
	const size = 8 << 20
	idle, moving := b.talk(b.clients[0]), b.talk(b.clients[1])
	if err := idle.Say("before"); err != nil {
		b.t.Fatal(err)
	}
	want := nstest.Negotiated{Segment: 1460}
	if b.target.Addr().Is6() {
		want.Segment = 1440
	}
	if got, err := moving.Negotiated(); err != nil || got != want {
		b.t.Errorf("a proxied connection has %+v (%v), want %+v", got, err, want)
	}
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for last := false; !last; {
			select {
			case <-over:
				last = true
			default:
			}
			if err := moving.Exchange(size); err != nil {
				b.t.Errorf("a transfer of %d bytes: %v", size, err)
				return
			}
		}
	})
	await(b.t, soon, "the transfer is under way", func() error {
		if moving.Back() < size/10 {
			return errNotYet
		}
		return nil
	})
	happens()
	close(over)
	wg.Wait()
	if err := idle.Say("after"); err != nil {
		b.t.Errorf("the idle connection: %v", err)
	}
}

// unpunishedBeside is unpunished where others use conntrack.
func unpunishedBeside(s *control.Status) error {
	s.Table.Conntrack = control.ConntrackOff
	return unpunished(s)
}

// TestProxyIsAdvisedWhereConntrackIsLoose: with the kernel's default no client would be served behind
// SYNPROXY. So there is none, and the operator is told what to set; once he has, it begins.
func TestProxyIsAdvisedWhereConntrackIsLoose(t *testing.T) {
	b := newBesieged(t, false, false)
	b.checkAdvised("sysctl -w net.netfilter.nf_conntrack_tcp_loose=0")
	if err := b.Victim.SetSysctl("net.netfilter.nf_conntrack_tcp_loose", "0"); err != nil {
		t.Fatal(err)
	}
	b.awaitProxy()
	b.request("once conntrack is strict")
}

// checkAdvised checks that there is no proxy and everybody is told why.
func (b *besieged) checkAdvised(what string) {
	b.t.Helper()
	b.daemon.awaitStatus("the advice", func(s *control.Status) error {
		p := s.Services[0].Proxy
		a, _ := attackOf(s, policy.SpoofedSYNFlood)
		told := slices.ContainsFunc(a.Changes, func(c control.Change) bool { return strings.Contains(c.Why, what) })
		if p == nil || p.Answering || !strings.Contains(p.Lacks, what) || !told {
			return fmt.Errorf("open are %v, proxy %+v, changes %+v", openKinds(s), p, a.Changes)
		}
		return healthy(s)
	})
	if rules := b.rules(); strings.Contains(rules, "synproxy") {
		b.t.Errorf("there is a proxy:\n%s", rules)
	}
	b.request("without a proxy")
	if n := strings.Count(b.daemon.log.String(), "msg=proxy-changed"); n != 1 {
		b.t.Errorf("the advice is in the log %d times, want once", n)
	}
}

// hostile is a rule that is often recommended against floods. Behind it no acknowledgement of a proxied
// handshake comes to any rule of ours.
const hostile = `table inet hardening {
	chain prerouting {
		type filter hook prerouting priority mangle; policy accept;
		ct state invalid drop
	}
}
`

// TestProxyIsGivenUpWhereNobodyGetsThrough: a neighbour's rule that drops what we would have to see is noticed by
// its effect, and the operator is told; clients are served again, as without SYNPROXY.
func TestProxyIsGivenUpWhereNobodyGetsThrough(t *testing.T) {
	b := &besieged{stage: newStage(t), target: v4()}
	b.forgetful()
	nstest.Stateful(t, b.Victim, port, true)
	b.nft(hostile)
	b.server(everywhere(), capacity)
	clients := b.stage.clients(v4())
	b.daemon = b.kindDaemon(kindPolicy{})
	b.flood = b.spoof(b.target, lab.SpoofRange().IPv4(60_000), 10_000)
	const want = "no client got through"
	b.daemon.awaitStatus("SYNPROXY is given up", func(s *control.Status) error {
		if p := s.Services[0].Proxy; p == nil || p.Answering || !strings.Contains(p.Lacks, want) {
			return fmt.Errorf("open are %v, proxy %+v", openKinds(s), p)
		}
		return healthy(s)
	})
	b.served(clients, 100)
}
