package lab

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestSockaddrRoundTrip(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"10.77.0.1:80", "10.77.0.1:80"},
		{"[fd77::1]:65535", "[fd77::1]:65535"},
		{"[::ffff:10.77.0.1]:80", "10.77.0.1:80"},
		{"0.0.0.0:0", "0.0.0.0:0"},
	} {
		if got := addrPort(sockaddr(netip.MustParseAddrPort(c.in))).String(); got != c.want {
			t.Errorf("%s became %s, want %s", c.in, got, c.want)
		}
	}
	if got := addrPort(&unix.SockaddrUnix{}); got.IsValid() {
		t.Errorf("a unix address became %s", got)
	}
}

func TestCheckPath(t *testing.T) {
	some4, some6 := ClientRange().IPv4(2), ClientRange().IPv6(2)
	for _, c := range []struct {
		name    string
		sources []netip.Addr
		target  netip.AddrPort
		want    string // "": fine
	}{
		{"IPv4", some4, v4(80), ""},
		{"IPv6", some6, v6(80), ""},
		{"no target", some4, netip.AddrPort{}, "target invalid"},
		{"no port", some4, v4(0), "and a port"},
		{"unspecified", some4, netip.MustParseAddrPort("0.0.0.0:80"), "want a plain"},
		{"mapped", some4, netip.MustParseAddrPort("[::ffff:10.77.0.1]:80"), "want a plain"},
		{"no source", nil, v4(80), "no source addresses"},
		{"one source is of another family", append(some4[:1:1], some6[0]), v4(80), "different families"},
		{"one source is invalid", []netip.Addr{some6[0], {}}, v6(80), "source invalid IP"},
	} {
		err := checkPath(c.sources, c.target)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestBacklogIsWhatWasAsked(t *testing.T) {
	l := newLab(t)
	if err := l.Victim.SetSysctl("net.core.somaxconn", "1000"); err != nil {
		t.Fatal(err)
	}
	for port, c := range map[uint16]struct{ asked, want int }{81: {7, 7}, 82: {0, defaultBacklog}, 83: {5000, 1000}} {
		must(StartServer(t.Context(), l.Victim, ServerConfig{
			Listen: []netip.AddrPort{v4(port)}, Capacity: 1, Backlog: c.asked,
		}))(t)
		if got := backlog(t, l.Victim, port); got != c.want {
			t.Errorf("asked for %d: the backlog is %d, want %d", c.asked, got, c.want)
		}
	}
}

// backlog returns how many connections may wait on an IPv4 listener.
func backlog(t *testing.T, n *Namespace, port uint16) (most int) {
	t.Helper()
	err := n.Do(func() error {
		sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
		for _, s := range sockets {
			if s.State == netlink.TCP_LISTEN && s.ID.SourcePort == port {
				most = int(s.WQueue)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return most
}
