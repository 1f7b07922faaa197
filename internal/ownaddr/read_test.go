package ownaddr_test

import (
	"maps"
	"net/netip"
	"testing"

	"ebbgate/internal/nstest"
	"ebbgate/internal/ownaddr"
)

// TestRead: an address counts as soon as an interface has it, whatever its prefix; one that is only routed
// here does not.
func TestRead(t *testing.T) {
	nstest.Enter(t)
	want := map[netip.Addr]bool{netip.MustParseAddr("127.0.0.1"): true, netip.IPv6Loopback(): true}
	check := func() {
		t.Helper()
		if got, err := ownaddr.Read(); err != nil || !maps.Equal(got, want) {
			t.Errorf("Read = %v, %v; want %v", got, err, want)
		}
	}
	check()
	nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
	check()
	for _, assigned := range []string{"192.0.2.7/24", "10.66.1.2/32", "2001:db8::1/64"} {
		nstest.Assign(t, assigned)
		want[netip.MustParsePrefix(assigned).Addr()] = true
	}
	check()
}
