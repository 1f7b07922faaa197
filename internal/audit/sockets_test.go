package audit

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
)

func TestFuller(t *testing.T) {
	tests := []struct{ queue, backlog, other, otherBacklog, wantQueue, want uint32 }{
		{0, 128, 5, 128, 5, 128},    // longer
		{5, 128, 0, 128, 5, 128},    // shorter
		{100, 4096, 60, 64, 60, 64}, // shorter and yet fuller
		{0, 4096, 0, 511, 0, 511},   // empty: the smaller backlog is the one that matters
		{0, 511, 0, 4096, 0, 511},   //
		{1, 0, 1, 4096, 1, 0},       // a backlog of nothing
		{4097, 4096, 0, 128, 4097, 4096},
	}
	for _, tt := range tests {
		l := Listener{Queue: tt.queue, Backlog: tt.backlog}
		l.fuller(tt.other, tt.otherBacklog)
		if l.Queue != tt.wantQueue || l.Backlog != tt.want {
			t.Errorf("%+v: %d of %d", tt, l.Queue, l.Backlog)
		}
	}
}

// socket makes one as a dump would report it.
func socket(local, remote string, state inetdiag.State, timer uint8) *inetdiag.Socket {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	return &inetdiag.Socket{Family: unix.AF_INET, State: state, Timer: timer, LocalAddr: l.Addr().As16(), RemoteAddr: r.Addr().As16(), LocalPort: l.Port(), RemotePort: r.Port()}
}

func TestCount(t *testing.T) {
	f := &Facts{Sysctls: map[string][]uint64{localPortRange: {32768, 60999}}}
	for _, local := range []string{"0.0.0.0:80", "192.0.2.1:80", "[::]:81", "[2001:db8::1]:82"} {
		f.Listeners = append(f.Listeners, Listener{Local: netip.MustParseAddrPort(local)})
	}
	c := newCount(f)
	for _, s := range []*inetdiag.Socket{
		socket("192.0.2.1:80", "198.51.100.1:1000", inetdiag.Established, timerKeepalive),
		socket("192.0.2.2:80", "198.51.100.1:1000", inetdiag.Established, 0),
		socket("192.0.2.2:80", "198.51.100.1:1001", inetdiag.Established, 1), // data in flight: cannot be told
		socket("192.0.2.2:80", "198.51.100.1:1002", inetdiag.CloseWait, 0),
		socket("192.0.2.2:81", "198.51.100.1:1000", inetdiag.Established, 0),      // of the dual-stack listener
		socket("[2001:db8::2]:80", "[2001:db8::9]:1000", inetdiag.Established, 0), // of no listener, and below the range
		socket("192.0.2.1:40000", "198.51.100.1:443", inetdiag.Established, 0),    //
		socket("192.0.2.1:40001", "198.51.100.1:443", inetdiag.TimeWait, 3),       //
		socket("192.0.2.1:40002", "198.51.100.1:443", inetdiag.FinWait2, 3),       // a remnant
		socket("192.0.2.1:40003", "198.51.100.2:443", inetdiag.SynSent, 1),        //
		socket("192.0.2.1:8080", "198.51.100.2:443", inetdiag.TimeWait, 3),        // accepted by somebody who has gone
	} {
		c.add(s)
	}
	for i, want := range [][2]int{{0, 1}, {1, 0}, {0, 1}, {0, 0}} {
		if l := f.Listeners[i]; l.KeepaliveOn != want[0] || l.KeepaliveOff != want[1] {
			t.Errorf("%s: on %d, off %d, want %v", l.Local, l.KeepaliveOn, l.KeepaliveOff, want)
		}
	}
	got := c.heaviest()
	if len(got) != 2 || got[0].Open != 1 || got[0].TimeWait != 2 || got[1].Open != 1 || got[1].To.String() != "198.51.100.2:443" {
		t.Errorf("%+v", got)
	}
}

func TestCountIsBounded(t *testing.T) {
	c := newCount(&Facts{Sysctls: map[string][]uint64{localPortRange: {1, 65535}}})
	s := socket("192.0.2.1:40000", "10.0.0.0:443", inetdiag.Established, 0)
	for i := range maxDestinations + 10 {
		s.RemoteAddr[14], s.RemoteAddr[15], s.RemoteAddr[13] = byte(i>>8), byte(i), byte(i>>16)
		c.add(s)
	}
	if len(c.destinations) != maxDestinations || c.beyond != 10 || len(c.heaviest()) != maxShown {
		t.Errorf("%d kept, %d beyond, %d shown", len(c.destinations), c.beyond, len(c.heaviest()))
	}
}

func TestProgramNamesAreThoseTheKernelKeeps(t *testing.T) {
	for name, p := range programs() {
		if len(name) > 15 {
			t.Errorf("%s: the kernel keeps 15 bytes of a name", name)
		}
		if p == (program{}) {
			t.Errorf("%s: nothing is known of it", name)
		}
	}
	if programOf("php-fpm8.2").backlog == "" || programOf("php-fpm: pool").backlog == "" {
		t.Error("PHP-FPM is not known by its version's name")
	}
	if programOf("never-heard-of") != (program{}) {
		t.Error("something is said of an unknown program")
	}
}

func TestHooksHaveNames(t *testing.T) {
	for _, tt := range []struct {
		family byte
		hook   uint32
		want   string
	}{{1, 0, "inet prerouting"}, {1, 5, "inet ingress"}, {2, 1, "ip input"}, {10, 4, "ip6 postrouting"}, {5, 0, "netdev ingress"}, {5, 1, "netdev egress"}, {3, 0, "arp input"}, {7, 2, "bridge forward"}, {99, 9, "family-99 hook-9"}} {
		if got := familyName(nftables.TableFamily(tt.family)) + " " + hookName(nftables.TableFamily(tt.family), tt.hook); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}
