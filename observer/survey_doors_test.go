package observer

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// socketOf is a socket as a dump would give it.
func socketOf(state inetdiag.State, local, remote string) inetdiag.Socket {
	s := inetdiag.Socket{State: state}
	l := netip.MustParseAddrPort(local)
	s.LocalAddr, s.LocalPort = l.Addr().As16(), l.Port()
	if remote != "" {
		r := netip.MustParseAddrPort(remote)
		s.RemoteAddr, s.RemotePort = r.Addr().As16(), r.Port()
	}
	return s
}

func service(name string, port uint16, addresses ...string) policy.Service {
	s := policy.Service{Name: name, Ports: []policy.PortRange{{First: port, Last: port}}}
	for _, a := range addresses {
		s.Addresses = append(s.Addresses, netip.MustParseAddr(a))
	}
	return s
}

func TestDoorsFindServices(t *testing.T) {
	services := []policy.Service{service("web", 80), service("inside", 443, "10.0.0.1")}
	d, err := NewDoors(services, []inetdiag.Socket{
		socketOf(inetdiag.Listen, "[::]:80", ""), socketOf(inetdiag.Listen, "0.0.0.0:443", ""), socketOf(inetdiag.Listen, "0.0.0.0:22", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		local string
		want  int
	}{
		{"10.0.0.1:80", 0}, {"[2001:db8::1]:80", 0}, {"10.0.0.1:443", 1}, {"10.0.0.2:443", -1}, {"10.0.0.1:22", -1}, {"10.0.0.1:40000", -1},
	}
	for _, tt := range tests {
		s := socketOf(inetdiag.Established, tt.local, "192.0.2.1:5")
		if got := d.Service(&s); got != tt.want {
			t.Errorf("%s: service %d, want %d", tt.local, got, tt.want)
		}
	}
}

func TestDoorsAreBounded(t *testing.T) {
	listeners := make([]inetdiag.Socket, maxListeners+1)
	for i := range listeners {
		listeners[i] = socketOf(inetdiag.Listen, "0.0.0.0:80", "")
	}
	listeners[maxListeners] = socketOf(inetdiag.Listen, "0.0.0.0:443", "")
	d, err := NewDoors([]policy.Service{service("web", 80), service("tls", 443)}, listeners)
	if !errors.Is(err, ErrManyListeners) {
		t.Fatalf("error %v", err)
	}
	first, last := socketOf(inetdiag.Established, "10.0.0.1:80", "192.0.2.1:5"), socketOf(inetdiag.Established, "10.0.0.1:443", "192.0.2.1:5")
	if d.Service(&first) != 0 || d.Service(&last) != -1 {
		t.Error("the listeners within the bound count, those beyond do not")
	}
}

func TestHostAddresses(t *testing.T) {
	nstest.Enter(t)
	nstest.Assign(t, "10.5.0.1/24")
	nstest.Assign(t, "fd05::1/64")
	got, err := HostAddresses()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10.5.0.1", "fd05::1", "127.0.0.1", "::1"} {
		if !slices.Contains(got, netip.MustParseAddr(want)) {
			t.Errorf("%s is missing from %v", want, got)
		}
	}
}
