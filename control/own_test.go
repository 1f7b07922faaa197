package control

import (
	"net"
	"net/netip"
	"testing"
)

func TestOwnAddress(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1": true, "127.9.9.9": true, "::1": true, "203.0.113.7": false, "2001:db8::7": false} {
		if got := ownAddress(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is the host's own: %v, want %v", addr, got, want)
		}
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if own := netip.MustParsePrefix(a.String()).Addr().Unmap(); !ownAddress(own) {
			t.Errorf("%s of an interface is not the host's own", own)
		}
	}
}

func TestExplanationTellsOfTheHostsOwnAddress(t *testing.T) {
	srv := bare()
	srv.PublishExplain(func(addr netip.Addr) *Explanation { return &Explanation{Address: addr} })
	for addr, want := range map[string]bool{"127.0.0.1": true, "203.0.113.7": false} {
		e, err := decodeAnswer[Explanation](tell(srv, &Peer{}, "GET", "/v1/explain?address="+addr, "").Body, maxAnswer)
		if err != nil || e.Own != want {
			t.Errorf("%s: own %v, want %v (%v)", addr, e.Own, want, err)
		}
	}
}
