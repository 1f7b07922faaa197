package lab

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestClientsAreServed(t *testing.T) {
	for _, c := range []struct {
		name    string
		target  netip.AddrPort
		sources []netip.Addr
	}{
		{"IPv4", v4(80), ClientRange().IPv4(7)},
		{"IPv6", v6(80), ClientRange().IPv6(7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{c.target}, Capacity: 50}))(t)
			began := time.Now()
			clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{Target: c.target, Sources: c.sources, Rate: 200, Timeout: 10 * time.Second}))(t)
			await(t, "forty requests are served", func() bool { return clients.Totals().Succeeded >= 40 })
			if err := clients.Stop(); err != nil {
				t.Fatal(err)
			}
			totals := clients.Totals()
			if totals.Failed != 0 || totals.Missed != 0 || totals.InFlight != 0 || totals.Attempted != totals.Succeeded {
				t.Errorf("%+v, last error %v", totals, clients.LastError())
			}
			// Requests withdrawn by Stop may have been served, too.
			if got := s.Counts().Served; got < totals.Succeeded {
				t.Errorf("the server served %d, the clients got %d", got, totals.Succeeded)
			}
			span := clients.Span(began, time.Now())
			if uint64(span.Succeeded) != totals.Succeeded || span.P50 <= 0 || span.P50 > span.P95 || span.P95 > span.Max {
				t.Errorf("%+v", span)
			}
			if at, ok := clients.Recovered(began, time.Millisecond); !ok || at.Before(began) {
				t.Errorf("recovered at %v, %t", at, ok)
			}
		})
	}
}

func TestClientsOfBothFamilies(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80), v6(80)}, Capacity: 2}))(t)
	s.Stall()
	sources := append(ClientRange().IPv4(3), ClientRange().OneSubnet(3)...)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
		Target: v4(80), Target6: v6(80), Sources: sources, Rate: 50, Timeout: 10 * time.Second}))(t)
	await(t, "requests of both families wait", func() bool { return s.gates[0].waiting() >= 3 && s.gates[1].waiting() >= 3 })
	s.Resume()
	await(t, "twenty requests are served", func() bool { return clients.Totals().Succeeded >= 20 })
	if got := clients.Totals(); got.Failed != 0 {
		t.Errorf("%+v, last error %v", got, clients.LastError())
	}
}

func TestClientsUseEverySource(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, server80(1)))(t)
	// One silent connection takes the only slot, so the clients' connections wait in the queue
	// and their sources can be seen.
	c := must(l.Attackers.Dial(t.Context(), AttackRange().IPv4(1)[0], v4(80)))(t)
	defer c.Close()
	await(t, "the slot is taken", func() bool { return s.Counts().Held == 1 })
	sources := ClientRange().IPv4(12)
	must(StartClients(t.Context(), l.Clients, ClientsConfig{Target: v4(80), Sources: sources, Rate: 100, Timeout: 20 * time.Second}))(t)
	await(t, "every source has connected", func() bool { return queue(t, l.Victim, 80) >= 2*len(sources) })
	seen := peers(t, l.Victim)
	for _, source := range sources {
		if seen[source] < 2 {
			t.Errorf("%s connected %d times", source, seen[source])
		}
	}
}

// peers counts the established IPv4 connections of a namespace by the other side's address.
func peers(t *testing.T, n *Namespace) map[netip.Addr]int {
	t.Helper()
	out := map[netip.Addr]int{}
	err := n.Do(func() error {
		sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
		for _, s := range sockets {
			if peer, ok := netip.AddrFromSlice(s.ID.Destination); ok && s.State == netlink.TCP_ESTABLISHED {
				out[peer.Unmap()]++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestClientsMissRatherThanBlameTheServer takes all the places away.
func TestClientsMissRatherThanBlameTheServer(t *testing.T) {
	l := newLab(t)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
		Target: silent(), Sources: ClientRange().IPv4(1), Rate: 100, Timeout: 20 * time.Second,
	}))(t)
	for range cap(clients.flights) {
		select {
		case clients.flights <- struct{}{}:
		case <-time.After(time.Millisecond): // taken by a request that hangs
		}
	}
	await(t, "requests are missed", func() bool { return clients.Totals().Missed >= 5 })
	totals := clients.Totals()
	if totals.Failed != 0 || totals.Attempted != totals.InFlight {
		t.Errorf("%+v", totals)
	}
	for range cap(clients.flights) - int(totals.InFlight) {
		<-clients.flights
	}
	if err := clients.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := clients.Totals(); got.Attempted != 0 || got.InFlight != 0 {
		t.Errorf("after Stop, which withdraws: %+v", got)
	}
}

// TestClientsKeepTheirRateWhenRequestsHang awaits most of the 31 requests that a hundred a second,
// each hanging for 300 ms, keep under way.
func TestClientsKeepTheirRateWhenRequestsHang(t *testing.T) {
	l := newLab(t)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{
		Target: silent(), Sources: ClientRange().IPv4(5), Rate: 100, Timeout: 300 * time.Millisecond,
	}))(t)
	await(t, "several rounds time out", func() bool {
		totals := clients.Totals()
		if totals.InFlight > 35 || totals.Succeeded > 0 {
			t.Fatalf("%+v", totals)
		}
		return totals.Failed >= 60 && totals.InFlight >= 20
	})
	if err := clients.LastError(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("last error %v", err)
	}
	if _, ok := clients.FirstFailure(time.Time{}); !ok {
		t.Error("no first failure")
	}
	if _, ok := clients.Recovered(time.Time{}, 0); ok {
		t.Error("recovered, though nothing was ever served")
	}
}

func TestClientsSayWhyTheyFail(t *testing.T) {
	l := newLab(t)
	clients := must(StartClients(t.Context(), l.Clients, ClientsConfig{Target: v4(80), Sources: ClientRange().IPv4(1), Rate: 100}))(t)
	await(t, "a failure", func() bool { return clients.Totals().Failed > 0 })
	if err := clients.LastError(); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("last error %v", err)
	}
}

func TestClientsBadConfigs(t *testing.T) {
	l := newLab(t)
	some := ClientRange().IPv4(2)
	for _, c := range []struct {
		name, want string
		config     ClientsConfig
	}{
		{"no source", "no source", ClientsConfig{Target: v4(80), Rate: 1}},
		{"families", "different families", ClientsConfig{Target: v6(80), Sources: some, Rate: 1}},
		{"no target", "target invalid", ClientsConfig{Sources: some, Rate: 1}},
		{"no rate", "rate 0: 1 to 1000", ClientsConfig{Target: v4(80), Sources: some}},
		{"high rate", "rate 1001: 1 to 1000", ClientsConfig{Target: v4(80), Sources: some, Rate: 1001}},
		{"short", "time-out 1ns", ClientsConfig{Target: v4(80), Sources: some, Rate: 1, Timeout: 1}},
		{"long", "time-out 1m0.000000001s", ClientsConfig{Target: v4(80), Sources: some, Rate: 1, Timeout: time.Minute + 1}},
		{"many at once", "5001 at once, at most 4000", ClientsConfig{Target: v4(80), Sources: some, Rate: 1000, Timeout: 5 * time.Second}},
	} {
		_, err := StartClients(t.Context(), l.Clients, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
