package survey

import (
	"fmt"
	"net/netip"
	"testing"

	"ebbgate/internal/inetdiag"
)

func connection(local, remote string, inode uint32) *Connection {
	return &Connection{State: inetdiag.Established, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), Inode: inode}
}

// spareAll spares something for every reason.
func spareAll() Spare {
	return Spare{
		Exempt:  []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:1::/48")},
		Host:    []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0")},
		Session: map[uint32]struct{}{77: {}, 0: {}},
		SSH:     [2]netip.AddrPort{netip.MustParseAddrPort("203.0.113.5:50000"), netip.MustParseAddrPort("192.0.2.1:22")},
	}
}

func TestSpareReasons(t *testing.T) {
	tests := []struct {
		name, local, remote string
		inode               uint32
		want                Reason
	}{
		{"a client", "192.0.2.1:80", "203.0.113.5:50000", 5, ""},
		{"not accepted, which has no inode", "192.0.2.1:80", "203.0.113.5:50000", 0, ""},
		{"held by an ancestor", "192.0.2.1:22", "203.0.113.9:1", 77, SpareSession},
		{"the environment's", "192.0.2.1:22", "203.0.113.5:50000", 5, SpareSession},
		{"another of the same client", "192.0.2.1:22", "203.0.113.5:50001", 5, ""},
		{"exempt", "192.0.2.1:80", "198.51.100.200:1", 5, SpareExempt},
		{"exempt IPv6", "[2001:db8::1]:80", "[2001:db8:1:2::3]:1", 5, SpareExempt},
		{"host", "192.0.2.1:80", "192.0.2.1:1", 5, SpareHost},
		{"host, link local", "[fe80::2]:80", "[fe80::1]:1", 5, SpareHost},
		{"loopback", "127.0.0.1:80", "127.4.5.6:1", 5, SpareHost},
		{"loopback IPv6", "[::1]:80", "[::1]:1", 5, SpareHost},
		{"session and exempt", "192.0.2.1:22", "198.51.100.1:1", 77, SpareSession},
	}
	for _, tt := range tests {
		s := newSparing(spareAll())
		c := connection(tt.local, tt.remote, tt.inode)
		if got := s.spares(c); got != (tt.want != "") || s.reason(c) != tt.want {
			t.Errorf("%s: spared %v, because %q, want %q", tt.name, got, s.reason(c), tt.want)
		}
		all := spareAll()
		all.Nothing = true
		if newSparing(all).spares(c) {
			t.Errorf("%s: spared although nothing is", tt.name)
		}
	}
	if newSparing(Spare{}).spares(connection("192.0.2.1:22", "203.0.113.5:1", 5)) {
		t.Error("the zero Spare spares")
	}
}

func TestSparedAreCountedAndNamed(t *testing.T) {
	s := newSparing(spareAll())
	for i := range 60 {
		s.spares(connection("192.0.2.1:80", fmt.Sprintf("198.51.100.%d:1", 59-i), 5))
		s.spares(connection("192.0.2.1:80", "127.0.0.1:1", 5))
	}
	got := s.list()
	if len(got) != 2 || got[0].Reason != SpareExempt || got[0].Connections != 60 || len(got[0].Sources) != maxSparedSources {
		t.Fatalf("got %+v", got)
	}
	if got[1].Connections != 60 || len(got[1].Sources) != 1 {
		t.Errorf("got %+v", got[1])
	}
	if a := got[0].Sources; a[0].Compare(a[1]) >= 0 {
		t.Errorf("sources are not in order: %v", a)
	}
}
