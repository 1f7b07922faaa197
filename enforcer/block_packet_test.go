package enforcer

import (
	"net"
	"net/netip"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// rungPolicy is fieldPolicy with prefix lengths of every kind and an office within one of them.
func rungPolicy() *policy.Policy {
	p := fieldPolicy()
	svc := &p.Services[0]
	svc.Capacity = 1000
	svc.Connections.PerPrefix = []policy.PrefixLimit{{Bits: 20, Max: 100}, {IPv6: true, Bits: 56, Max: 100}}
	svc.Overrides = []policy.Override{{Prefix: netip.MustParsePrefix("10.66.7.128/25"), PerSource: 50}}
	svc.Overrides = append(svc.Overrides, overrides("fd66:0:0:1::5/128", "fd66:0:0:1::6/128", "fd66:0:0:1::100/120")...)
	p.Exempt.Prefixes = append(p.Exempt.Prefixes, prefixes("10.66.7.9/32")...)
	return p
}

// rungExemptions lie within what is answered.
func rungExemptions() []policy.Exemption {
	return []policy.Exemption{
		{Prefix: netip.MustParsePrefix("10.66.7.8/32"), Service: "web"},
		{Prefix: netip.MustParsePrefix("fd66:0:0:1::8/128")},
		{Prefix: netip.MustParsePrefix("10.66.7.7/32"), Service: "mail"},
	}
}

var rungSources = prefixes("10.66.0.1/32", "10.66.7.0/24", "10.66.16.0/20", "fd66:0:0:1::/64", "fd66:0:0:1::6/128", "fd66:0:0:2::9/128", "fd66:0:0:300::/56", "fd66:0:1::/48")

// blocks blocks the sources until then.
func blocks(until policy.Instant) *policy.Decision {
	d := &policy.Decision{At: boottime.Now(), Exempt: rungExemptions()}
	for _, s := range rungSources {
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: s, Mode: policy.Enforce, Since: d.At, Until: until})
	}
	return d
}

func (f *field) apply(t *testing.T, p *policy.Policy, d *policy.Decision) {
	t.Helper()
	if err := f.table.Apply(Diff(f.table.Have(), Compile(p, d, Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
}

func (f *field) counts(t *testing.T) Counts {
	t.Helper()
	all, err := f.table.Counts()
	if err != nil {
		t.Fatal(err)
	}
	return all["web"]
}

// TestABlockCutsWhatIsEstablished: packets of older connections are turned away, without an answer,
// and those of the host's own connection to the blocked source are not.
func TestABlockCutsWhatIsEstablished(t *testing.T) {
	f := newField(t)
	theirs := netip.MustParseAddrPort("10.66.0.1:8080")
	if _, err := lab.StartServer(t.Context(), f.lab.Attackers, lab.ServerConfig{Capacity: 10, Listen: []netip.AddrPort{theirs}}); err != nil {
		t.Fatal(err)
	}
	dial := func(n *lab.Namespace, from netip.Addr, to netip.AddrPort) net.Conn {
		c, err := n.Dial(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	web := netip.AddrPortFrom(lab.VictimV4(), 80)
	blocked := dial(f.lab.Attackers, netip.MustParseAddr("10.66.0.1"), web)
	exempt := dial(f.lab.Attackers, netip.MustParseAddr("10.66.7.8"), web)
	innocent := dial(f.lab.Attackers, netip.MustParseAddr("10.66.0.3"), web)
	outgoing := dial(f.lab.Victim, lab.VictimV4(), theirs)
	f.apply(t, rungPolicy(), blocks(boottime.Now()+300*second))
	for _, tt := range []struct {
		name string
		c    net.Conn
		want bool
	}{{"blocked", blocked, false}, {"exempt within a blocked prefix", exempt, true}, {"innocent", innocent, true}, {"the host's own", outgoing, true}} {
		within := patience
		if !tt.want {
			within = 10 * unanswered
		}
		if got := request(t, tt.c, within) == nil; got != tt.want {
			t.Errorf("%s: answered %t, want %t", tt.name, got, tt.want)
		}
	}
	if c := f.counts(t); c.Blocked == 0 || c.Refused != 0 {
		t.Errorf("counts %+v, want blocked packets only", c)
	}
	if n := f.conntrack(t); n != 0 {
		t.Errorf("%d conntrack entries: a block needs none", n)
	}
}

func TestABlockEndsAtItsTime(t *testing.T) {
	f := newField(t)
	f.apply(t, rungPolicy(), blocks(boottime.Now()+2*second))
	if n := f.open(t, "10.66.0.1", 80, 1); n != 0 {
		t.Fatal("the block does not hold")
	}
	nstest.Await(t, "the block to end", func() bool { return f.open(t, "10.66.0.1", 80, 1) == 1 })
}

// TestABlockEndsWithTheDaemon: a process that hangs renews nothing. Its blocks, hours long, end within
// one lease.
func TestABlockEndsWithTheDaemon(t *testing.T) {
	f := newField(t)
	p := rungPolicy()
	p.Services[0].Response.Lease = policy.MinLease
	d := blocks(boottime.Now() + 3600*second)
	f.apply(t, p, d)
	if n := f.open(t, "10.66.7.1", 80, 1); n != 0 {
		t.Fatal("the block does not hold")
	}
	nstest.Await(t, "the lease to end", func() bool { return f.open(t, "10.66.7.1", 80, 1) == 1 })
	have := f.table.Have().Ruleset
	if s := findSet(&have, "web_block4p24"); len(s.Elements) != 1 || s.Elements[0].Until < d.At+3500*second {
		t.Error("the block itself was to last an hour")
	}
}

// TestABlockOutlastsItsLease: a living one renews the lease, and then the block holds on.
func TestABlockOutlastsItsLease(t *testing.T) {
	f := newField(t)
	p := rungPolicy()
	p.Services[0].Response.Lease = policy.MinLease
	begin := boottime.Now()
	sent := 0
	nstest.Await(t, "two leases to pass", func() bool {
		plan := Diff(f.table.Have(), Compile(p, blocks(begin+3600*second), Environment{}), boottime.Now())
		if !plan.Empty() {
			sent++
		}
		if err := f.table.Apply(plan); err != nil {
			t.Fatal(err)
		}
		return boottime.Now() > begin.Add(2*policy.MinLease)
	})
	if n := f.open(t, "10.66.0.1", 80, 1); n != 0 {
		t.Error("the block does not hold any more")
	}
	// A third of two seconds passes six times in four seconds; the first transaction makes the table.
	if sent < 2 || sent > 8 {
		t.Errorf("%d transactions were sent for two leases", sent)
	}
}

// TestAdministratorsPassOnSSHPorts: on the port sshd listens on, and on no other.
func TestAdministratorsPassOnSSHPorts(t *testing.T) {
	f := newField(t)
	p := rungPolicy()
	p.Services[0].Ports = []policy.PortRange{{First: 80, Last: 80}, {First: 443, Last: 443}}
	d := blocks(boottime.Now() + 300*second)
	d.SSH = policy.SSH{Ports: []uint16{443}, Admins: []netip.Addr{netip.MustParseAddr("10.66.7.1"), netip.MustParseAddr("fd66:0:0:1::1")}}
	f.apply(t, p, d)
	for _, tt := range []struct {
		from string
		port uint16
		want int
	}{{"10.66.7.1", 443, 1}, {"fd66:0:0:1::1", 443, 1}, {"10.66.7.1", 80, 0}, {"fd66:0:0:1::1", 80, 0}, {"10.66.7.2", 443, 0}} {
		if got := f.open(t, tt.from, tt.port, 1); got != tt.want {
			t.Errorf("%s to port %d: %d opened, want %d", tt.from, tt.port, got, tt.want)
		}
	}
	d.SSH.Admins = nil
	f.apply(t, p, d)
	if got := f.open(t, "10.66.7.1", 443, 1); got != 0 {
		t.Error("who is logged out still passes")
	}
}

// TestAnExemptionWithinAWatchedPrefix: the kernel neither counts nor stops what is exempt there.
func TestAnExemptionWithinAWatchedPrefix(t *testing.T) {
	f := newField(t)
	d := fieldDecision()
	d.Exempt = []policy.Exemption{{Prefix: netip.MustParsePrefix("fd66:0:0:ffff::9/128"), Service: "web"}}
	f.apply(t, fieldPolicy(), d)
	if n := f.open(t, "fd66:0:0:ffff::9", 80, 12); n != 12 {
		t.Errorf("%d of 12 connections of the exempt address opened", n)
	}
	if n := f.open(t, "fd66:0:0:ffff::1", 80, 8); n != 5 {
		t.Errorf("%d connections of its neighbour opened, want the limit of 5", n)
	}
}

// TestAnOverrideWithinAWatchedPrefix: the kernel does not count an address that is a source of its own
// for the plain source around it, neither with the rule on new connections nor with that on older ones.
func TestAnOverrideWithinAWatchedPrefix(t *testing.T) {
	f := newField(t)
	p := fieldPolicy()
	p.Services[0].Overrides = overrides("fd66:0:0:ffff::9/128")
	f.apply(t, p, fieldDecision())
	if n := f.open(t, "fd66:0:0:ffff::9", 80, 12); n != 12 {
		t.Errorf("%d of 12 connections of the address with limits of its own opened", n)
	}
	if n := f.open(t, "fd66:0:0:ffff::1", 80, 8); n != 5 {
		t.Errorf("%d connections of its neighbour opened, want the limit of 5", n)
	}
}
