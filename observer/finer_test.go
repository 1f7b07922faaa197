package observer

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestOverridesAreKeptWhole(t *testing.T) {
	prefix := netip.MustParsePrefix
	p := &policy.Policy{
		Observe: policy.Observe{IPv6Source: 56, MaxSources: 100},
		Services: []policy.Service{
			{Name: "web", Ports: ports(80), Overrides: []policy.Override{{Prefix: prefix("2001:db8:0:1::/64"), PerSource: 5},
				{Prefix: prefix("2001:db8:1::7/128")}, {Prefix: prefix("2001:db8:2::/48")}, {Prefix: prefix("192.0.2.0/24")}}},
			{Name: "ssh", Ports: ports(22), Overrides: []policy.Override{{Prefix: prefix("2001:db8:1::8/128")}}},
		},
	}
	tg, err := newTarget(p)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrouping(tg, nil)
	tests := []struct {
		addr     string
		web, ssh string
	}{
		{"2001:db8:0:1::5", "2001:db8:0:1::5/128", "2001:db8::/56"},
		{"2001:db8:0:2::5", "2001:db8::/56", "2001:db8::/56"},
		{"2001:db8:1::7", "2001:db8:1::7/128", "2001:db8:1::/56"},
		{"2001:db8:1::8", "2001:db8:1::/56", "2001:db8:1::8/128"},
		{"2001:db8:1::9", "2001:db8:1::/56", "2001:db8:1::/56"},
		{"2001:db8:2::9", "2001:db8:2::/56", "2001:db8:2::/56"}, // wider than a source
		{"192.0.2.7", "192.0.2.7/32", "192.0.2.7/32"},
	}
	for _, tt := range tests {
		for service, want := range []string{tt.web, tt.ssh} {
			var tl tally
			tl.reset(2, 100)
			tl.add(g, service, addressOf(netip.MustParseAddr(tt.addr)), true)
			lists, _ := tl.sources(2, 100)
			if len(lists[service]) != 1 || lists[service][0].Source != netip.MustParsePrefix(want) {
				t.Errorf("%s of service %d: %+v, want %s", tt.addr, service, lists[service], want)
			}
		}
	}
}

func TestServiceSet(t *testing.T) {
	for _, tt := range []struct {
		set     serviceSet
		service uint16
		want    bool
	}{{0, 0, false}, {1, 0, true}, {1, 1, false}, {1 << 63, 63, true}, {1 << 63, 64, false}, {everyService, 0, true}, {everyService, 63, true}, {everyService, 500, true}} {
		if tt.set.has(tt.service) != tt.want {
			t.Errorf("%#x has %d: %v", uint64(tt.set), tt.service, !tt.want)
		}
	}
}

// TestSetExempt exempts addresses while censuses run, across a reload of the policy.
func TestSetExempt(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 3, "2001:db8:66::1", "["+server6+"]:80")
	connect(t, l, 2, "2001:db8:66::2", "["+server6+"]:80")
	together := func() bool {
		s := count(t, o).Services[0].Sources
		return len(s) == 1 && s[0].Source == netip.MustParsePrefix("2001:db8:66::/64") && s[0].Held == 5
	}
	apart := func() bool {
		return slices.Equal(count(t, o).Services[0].Sources, []policy.SourceCensus{alone("2001:db8:66::/64", "2001:db8:66::2", 2), held("2001:db8:66::1/128", 3)})
	}
	nstest.Await(t, "one source", together)
	exempt := []netip.Prefix{netip.MustParsePrefix("10.66.0.0/16"), netip.MustParsePrefix("2001:db8:66::1/128"), netip.MustParsePrefix("2001:db8::/32")}
	o.SetExempt(exempt)
	exempt[1] = netip.Prefix{}
	if !apart() {
		t.Errorf("exempt: %+v", count(t, o).Services[0].Sources)
	}
	before := o.target.Load()
	o.SetExempt(slices.Clone(o.exempt))
	if o.target.Load() != before {
		t.Error("the same exemptions made a new target")
	}
	o.SetPolicy(web())
	if !apart() {
		t.Errorf("after a reload: %+v", count(t, o).Services[0].Sources)
	}
	// A source of another length makes other prefixes matter.
	o.SetPolicy(web(func(p *policy.Policy) { p.Observe.IPv6Source = 128 }))
	if n := len(o.target.Load().exempt); n != 0 {
		t.Errorf("%d exempt prefixes matter to sources of one address", n)
	}
	o.SetPolicy(web())
	o.SetExempt(nil)
	if !together() {
		t.Errorf("not exempt any more: %+v", count(t, o).Services[0].Sources)
	}
}

// TestSetExemptBesideEverything is for the race detector.
func TestSetExemptBesideEverything(t *testing.T) {
	o := enter(t, web())
	nstest.Listen(t, "[::]:80", 16)
	var others sync.WaitGroup
	for i := range 2 {
		others.Go(func() {
			for range 200 {
				o.SetExempt([]netip.Prefix{netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), 128)})
				o.SetPolicy(web())
			}
		})
	}
	others.Go(func() {
		for range 20 {
			if _, err := o.Census(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		o.Tick()
	}
	others.Wait()
	if got := o.target.Load(); len(got.exempt) != 1 || len(got.services) != 1 {
		t.Errorf("target %+v", got)
	}
}

func TestWithRoot(t *testing.T) {
	nstest.Enter(t)
	o, err := Open(slog.New(slog.DiscardHandler), WithRoot(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	o.SetPolicy(web())
	nstest.Listen(t, "127.0.0.1:80", 5)
	obs := o.Tick()
	if len(obs.Listeners) != 1 || obs.Listeners[0].Unit != "" || obs.Listeners[0].SSH || obs.Sessions != nil || len(obs.Faults) != 0 {
		t.Errorf("without control groups: %+v, %v", obs.Listeners, obs.Faults)
	}
}
