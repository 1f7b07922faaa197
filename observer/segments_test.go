package observer

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// noSegment is for tests of what is not about sizes.
func noSegment(*listening, *policy.Service) (four, six int) { return 0, 0 }

func TestSegments(t *testing.T) {
	at := netip.MustParseAddr
	s := segments{routes: []route{{at("192.0.2.1"), 1500}, {at("192.0.2.2"), 9000}, {at("198.51.100.1"), 1400}, {at("2001:db8::1"), 1280}}}
	dual := listening{local: any6, unspecified: true, serves4: true, serves6: true}
	only6 := listening{local: any6, unspecified: true, serves6: true}
	tests := []struct {
		name      string
		l         listening
		addresses []netip.Addr
		four, six int
	}{
		{"everywhere, the least of all", dual, nil, 1360, 1220},
		{"IPv6 alone", only6, nil, 0, 1220},
		{"at one address", listening{local: addressOf(at("192.0.2.2")), serves4: true}, nil, 8960, 0},
		{"everywhere, the service at some", dual, []netip.Addr{at("192.0.2.1"), at("192.0.2.2")}, 1460, 0},
		{"at an address no interface has", listening{local: addressOf(at("203.0.113.1")), serves4: true}, nil, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			four, six := s.of(&tt.l, &policy.Service{Addresses: tt.addresses})
			if four != tt.four || six != tt.six {
				t.Errorf("segments %d and %d, want %d and %d", four, six, tt.four, tt.six)
			}
		})
	}
}

// TestSegmentsOfInterfaces reads the MTU of real interfaces; lo has the largest of all and does not count.
func TestSegmentsOfInterfaces(t *testing.T) {
	nstest.Enter(t)
	nstest.Assign(t, "203.0.113.9/32") // on lo
	for _, link := range []struct {
		name, addr string
		mtu        int
	}{{"wide", "192.0.2.1/24", 9000}, {"narrow", "198.51.100.1/24", 1400}} {
		l := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: link.name, MTU: link.mtu}, PeerName: link.name + "peer"}
		a, err := netlink.ParseAddr(link.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkAdd(l); err != nil {
			t.Fatal(err)
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			t.Fatal(err)
		}
	}
	var s segments
	var host hostAddresses
	if err := host.open(); err != nil {
		t.Fatal(err)
	}
	defer host.close()
	if err := s.refresh(1, host.routes); err != nil {
		t.Fatal(err)
	}
	dual := listening{local: any6, unspecified: true, serves4: true, serves6: true}
	if four, six := s.of(&dual, &policy.Service{}); four != 1360 || six != 0 {
		t.Errorf("segments %d and %d, want 1360 and none", four, six)
	}
	read := s.readAt
	if err := s.refresh(read+policy.Instant(segmentsEvery)-1, host.routes); err != nil || s.readAt != read {
		t.Errorf("the list was read again before its time (%v)", err)
	}
	if err := s.refresh(read+policy.Instant(segmentsEvery), host.routes); err != nil || s.readAt == read {
		t.Errorf("the list was not read again at its time (%v)", err)
	}
}

// TestSegmentsAreReadAgainAfterAFailure, at once: only a list that was read is good for a while.
func TestSegmentsAreReadAgainAfterAFailure(t *testing.T) {
	var s segments
	reads := 0
	good := func() ([]route, error) {
		reads++
		return []route{{netip.MustParseAddr("192.0.2.1"), 1400 + reads}}, nil
	}
	bad := func() ([]route, error) { reads++; return nil, errors.New("no answer") }
	every := policy.Instant(segmentsEvery)
	for i, tt := range []struct {
		at    policy.Instant
		read  func() ([]route, error)
		fails bool
		reads int
		mtu   int // of the list then; 0: there is none
	}{
		{1, bad, true, 1, 0},
		{2, bad, true, 2, 0},
		{3, good, false, 3, 1403},
		{2 + every, bad, false, 3, 1403},
		{3 + every, bad, true, 4, 1403},
		{4 + every, good, false, 5, 1405},
		{5 + every, good, false, 5, 1405},
	} {
		err := s.refresh(tt.at, tt.read)
		mtu := 0
		if len(s.routes) > 0 {
			mtu = s.routes[0].mtu
		}
		if (err != nil) != tt.fails || reads != tt.reads || mtu != tt.mtu {
			t.Errorf("call %d: %v, %d reads, MTU %d; want failure %t, %d, %d", i, err, reads, mtu, tt.fails, tt.reads, tt.mtu)
		}
	}
}
