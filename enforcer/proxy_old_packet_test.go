package enforcer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// watchful is a neighbour that uses conntrack and refuses nothing: only SYNPROXY can stand in the way of
// connections conntrack does not know.
const watchful = `table inet other {
	chain input {
		type filter hook input priority filter;
		ct state new counter
	}
}
`

// watched loads the neighbour; conntrack takes over no connection it has not seen begin.
func (f *proxyField) watched(t *testing.T) {
	t.Helper()
	if err := f.lab.Victim.SetSysctl("net.netfilter.nf_conntrack_tcp_loose", "0"); err != nil {
		t.Fatal(err)
	}
	f.nft(t, watchful)
}

// TestProxyLeavesConnectionsAlone: those that conntrack does not know go on while the proxy is on, whether they are
// older than it, or it has forgotten them; and new clients are served by the proxy.
func TestProxyLeavesConnectionsAlone(t *testing.T) {
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("IPv6 %t", six), func(t *testing.T) {
			f := quietField(t, six)
			nstest.Echo(t, f.lab.Victim, "[::]:80")
			older := f.talk(t, f.clients[0])
			f.watched(t)
			forgotten := f.talk(t, f.clients[1])
			if err := forgotten.Say("hello"); err != nil {
				t.Fatal(err)
			}
			f.forget(t)
			f.flooded(t)
			f.have(t, f.proxied(true))
			f.more(t, 1000)
			completed := f.packets(t)["web_completed"]
			for what, c := range map[string]*nstest.Talk{"older than tracking": older, "that was forgotten": forgotten} {
				if err := c.Exchange(1 << 20); err != nil {
					t.Errorf("a connection %s: %v", what, err)
				}
			}
			if n := f.packets(t)["web_completed"]; n != completed {
				t.Errorf("%d packets of connections were taken for the end of a handshake", n-completed)
			}
			f.negotiated(t, true)
			for _, c := range f.clients[3:8] {
				f.say(t, c)
			}
			stopSpoof(t, f.flood)
		})
	}
}

// forget empties the conntrack table.
func (f *proxyField) forget(t *testing.T) {
	t.Helper()
	if err := f.lab.Victim.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }); err != nil {
		t.Fatal(err)
	}
	if n := f.conntrack(t); n != 0 {
		t.Fatalf("%d conntrack entries are left", n)
	}
}

// TestProxyLeavesOtherListenersAlone: where a handshake cannot be told from a connection, the listener answers
// itself; where nobody listens, the kernel says so at once. A policy would use no proxy for them, but they may
// be opened at any time.
func TestProxyLeavesOtherListenersAlone(t *testing.T) {
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("IPv6 %t", six), func(t *testing.T) {
			f := quietField(t, six)
			f.watched(t)
			f.have(t, f.proxied(true))
			if c, err := f.try(t, f.lab.Clients, f.clients[0], f.target, patience); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("nobody listens: %v, %v", c, err)
			}
			nstest.Echo(t, f.lab.Victim, f.target.String())
			f.negotiated(t, false)
			f.say(t, f.clients[1])
			if n := f.counts(t).Proxied; n != 0 {
				t.Errorf("the proxy answered %d SYNs", n)
			}
		})
	}
}
