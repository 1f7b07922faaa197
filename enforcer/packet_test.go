package enforcer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// field is a laboratory with a server on ports 80 and 443 and a Table in the victim's namespace.
type field struct {
	lab   *lab.Lab
	table *Table
}

func newField(t *testing.T) *field {
	t.Helper()
	f := emptyField(t)
	f.serve(t, f.lab.Victim, "[::]:80", "[::]:443")
	return f
}

// emptyField is a field without a server.
func emptyField(t *testing.T) *field {
	t.Helper()
	f := &field{lab: nstest.Lab(t)}
	if err := f.lab.Victim.Do(func() (err error) {
		f.table, err = Open()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.table.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// open tries n connections from an attacker's address, keeps those that succeed until the end of
// the test, and returns how many did.
func (f *field) open(t *testing.T, from string, port uint16, n int) int {
	t.Helper()
	src := netip.MustParseAddr(from)
	to := netip.AddrPortFrom(lab.VictimV4(), port)
	if src.Is6() {
		to = netip.AddrPortFrom(lab.VictimV6(), port)
	}
	opened := 0
	for range n {
		c, err := f.dial(t, src, to)
		switch {
		case err == nil:
			opened++
			t.Cleanup(func() { _ = c.Close() })
		case !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, context.DeadlineExceeded):
			t.Fatalf("connect from %s: %v", from, err)
		}
	}
	return opened
}

func (f *field) dial(t *testing.T, src netip.Addr, to netip.AddrPort) (net.Conn, error) {
	// Less than a SYN is repeated after, so that each is sent once.
	ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
	defer cancel()
	return f.lab.Attackers.Dial(ctx, src, to)
}

func (f *field) conntrack(t *testing.T) int {
	t.Helper()
	n, err := f.lab.Victim.ConntrackCount()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// establishedEntries counts the conntrack entries of IPv4 connections that are established.
func (f *field) establishedEntries(t *testing.T) int {
	t.Helper()
	n := 0
	err := f.lab.Victim.Do(func() error {
		flows, err := netlink.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
		for _, flow := range flows {
			if tcp, ok := flow.ProtoInfo.(*netlink.ProtoInfoTCP); ok && tcp.State == nl.TCP_CONNTRACK_ESTABLISHED {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fieldPolicy limits port 80 to 5 connections a source.
func fieldPolicy() *policy.Policy {
	svc := web()
	svc.Ports = []policy.PortRange{{First: 80, Last: 80}}
	svc.Connections.PerSource = 5
	p := onePolicy(svc)
	p.Exempt.Prefixes = prefixes("10.66.0.4/32", "fd66:0:0:ffff::4/128")
	return p
}

// fieldDecision refuses one source of each family and watches others.
func fieldDecision() *policy.Decision {
	until := boottime.Now() + 300*second
	d := &policy.Decision{Limits: []policy.Limit{
		limit("web", "10.66.0.1/32", true, until), limit("web", "10.66.0.4/32", true, until),
		limit("web", "fd66:0:0:ffff::/64", false, until), limit("web", "fd66:0:0:1::/64", true, until)}}
	for _, s := range []string{"10.66.0.2/32"} {
		d.Watched = append(d.Watched, policy.Watched{Service: "web", Source: netip.MustParsePrefix(s), Mode: policy.Enforce, Until: until})
	}
	return d
}

// TestAnswersStandBesideEachOther: a decision that refuses, holds and exempts does each to whom it should.
func TestAnswersStandBesideEachOther(t *testing.T) {
	tests := []struct {
		name string
		from []string
		port uint16
		n    int
		want int
	}{
		{"refused source", []string{"10.66.0.1"}, 80, 3, 0},
		{"refused source, another service", []string{"10.66.0.1"}, 443, 3, 3},
		{"watched source is held exactly", []string{"10.66.0.2"}, 80, 12, 5},
		{"innocent source", []string{"10.66.0.3"}, 80, 12, 12},
		{"exempt, though the decision names it", []string{"10.66.0.4"}, 80, 12, 12},
		{"refused IPv6 prefix", []string{"fd66:0:0:1::1", "fd66:0:0:1::2"}, 80, 2, 0},
		{"limited IPv6 prefix is held as one", []string{"fd66:0:0:ffff::1", "fd66:0:0:ffff::2", "fd66:0:0:ffff::3"}, 80, 4, 5},
		{"exempt inside it", []string{"fd66:0:0:ffff::4"}, 80, 12, 12},
		{"innocent IPv6 source", []string{"fd66:0:0:2::1"}, 80, 12, 12},
	}
	for _, how := range []struct {
		name string
		env  Environment
	}{{"nobody else tracks", Environment{}}, {"others track", Environment{OthersTrack: true}}} {
		t.Run(how.name, func(t *testing.T) {
			f := newField(t)
			p, d := fieldPolicy(), fieldDecision()
			if err := f.table.Apply(Diff(f.table.Have(), Compile(p, d, how.env), boottime.Now())); err != nil {
				t.Fatal(err)
			}
			for _, tt := range tests {
				got := 0
				for _, from := range tt.from {
					got += f.open(t, from, tt.port, tt.n)
				}
				if got != tt.want {
					t.Errorf("%s: %d connections opened, want %d", tt.name, got, tt.want)
				}
			}
		})
	}
}

func TestShadowPassesAndCounts(t *testing.T) {
	f := newField(t)
	p := fieldPolicy()
	p.Services[0].Mode = policy.Shadow
	if err := f.table.Apply(Diff(f.table.Have(), Compile(p, fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	if n := f.open(t, "10.66.0.1", 80, 7); n != 7 {
		t.Errorf("%d of 7 connections passed", n)
	}
	counts, err := f.table.Counts()
	if err != nil || counts["web"] != (Counts{Refused: 7}) {
		t.Errorf("counts = %+v, %v; want 7 refused", counts, err)
	}
	if n := f.conntrack(t); n != 0 {
		t.Errorf("%d conntrack entries: shadow mode switched it on", n)
	}
}

func TestOnlyWatchedSourcesAreTracked(t *testing.T) {
	f := newField(t)
	if err := f.table.Apply(Diff(f.table.Have(), Compile(fieldPolicy(), fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	f.open(t, "10.66.0.3", 80, 10)
	f.open(t, "10.66.0.3", 443, 10)
	f.open(t, "10.66.0.4", 80, 10)
	if n := f.conntrack(t); n != 0 {
		t.Fatalf("%d conntrack entries for sources that are not watched", n)
	}
	f.open(t, "10.66.0.2", 80, 3)
	if n := f.conntrack(t); n != 3 {
		t.Errorf("%d conntrack entries for 3 connections of a watched source", n)
	}
	// Both ways are tracked, or their ends would go unseen.
	if n := f.establishedEntries(t); n != 3 {
		t.Errorf("%d of 3 entries are of established connections", n)
	}
	f.serve(t, f.lab.Attackers, "[::]:9090")
	f.outgoing(t)
	if n := f.conntrack(t); n != 3 {
		t.Errorf("%d conntrack entries more of the host's own connections", n-3)
	}
	spoof, err := lab.StartSpoof(t.Context(), f.lab.Attackers, lab.SpoofConfig{
		Target: netip.AddrPortFrom(lab.VictimV4(), 80), Sources: lab.SpoofRange().IPv4(60000), Rate: 40000})
	if err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "20,000 forged SYNs", func() bool { return spoof.Counts().Sent >= 20000 })
	if err := spoof.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := f.conntrack(t); n > 3 {
		t.Errorf("%d conntrack entries after a spoofed flood, want 3", n)
	}
}

// TestConnectionsOlderThanTheRules: what was there before is neither cut nor, once it speaks,
// left out of the count.
func TestConnectionsOlderThanTheRules(t *testing.T) {
	f := newField(t)
	src, to := netip.MustParseAddr("10.66.0.2"), netip.AddrPortFrom(lab.VictimV4(), 80)
	var old []net.Conn
	for range 4 {
		c, err := f.dial(t, src, to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		old = append(old, c)
	}
	if err := f.table.Apply(Diff(f.table.Have(), Compile(fieldPolicy(), fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	for _, c := range old {
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
			t.Fatalf("an older connection was cut: %v", err)
		}
	}
	nstest.Await(t, "the older connections to be tracked", func() bool { return f.conntrack(t) == 4 })
	if n := f.open(t, "10.66.0.2", 80, 4); n != 1 {
		t.Errorf("%d more connections opened beside 4 older ones, want 1", n)
	}
	for _, c := range old {
		if _, err := c.Write([]byte("Host: x\r\n")); err != nil {
			t.Errorf("an older connection was cut: %v", err)
		}
	}
}

// TestForwardedConnectionsPass: a router's own service is limited, the machines behind it are not.
func TestForwardedConnectionsPass(t *testing.T) {
	f := newField(t)
	if err := f.lab.Victim.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	behind := netip.AddrPortFrom(lab.ClientV4(), 80)
	if _, err := lab.StartServer(t.Context(), f.lab.Clients, lab.ServerConfig{Capacity: 10, Listen: []netip.AddrPort{behind}}); err != nil {
		t.Fatal(err)
	}
	src := netip.MustParseAddr("10.66.0.1")
	through := func() error {
		c, err := f.dial(t, src, behind)
		if err == nil {
			err = c.Close()
		}
		return err
	}
	if err := through(); err != nil {
		t.Fatalf("without rules: %v", err)
	}
	if err := f.table.Apply(Diff(f.table.Have(), Compile(fieldPolicy(), fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	if err := through(); err != nil {
		t.Errorf("to a machine behind: %v", err)
	}
	if n := f.open(t, "10.66.0.1", 80, 1); n != 0 {
		t.Error("to the host itself: not refused")
	}
}
