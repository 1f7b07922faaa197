package enforcer

import (
	"net/netip"
	"slices"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// metered puts a meter of 200 SYNs a second and source on port 80 of a new field.
func metered(t *testing.T) *field {
	t.Helper()
	f := newField(t)
	f.meter(t, 200)
	return f
}

func (f *field) meter(t *testing.T, rate int) {
	t.Helper()
	d := &policy.Decision{Meters: []policy.Meter{{Service: "web", Max: rate, Until: boottime.Now() + 300*second}}}
	if err := f.table.Apply(Diff(f.table.Have(), Compile(fieldPolicy(), d, Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
}

// read returns the one meter.
func (f *field) read(t *testing.T) policy.SYNMeter {
	t.Helper()
	all, err := f.table.Meters()
	if err != nil || len(all) != 1 || all[0].Service != "web" {
		t.Fatalf("meters %+v, %v; want one of web", all, err)
	}
	return all[0]
}

func (f *field) spoof(t *testing.T, to netip.Addr, sources []netip.Addr, rate int) *lab.Spoof {
	t.Helper()
	s, err := lab.StartSpoof(t.Context(), f.lab.Attackers, lab.SpoofConfig{Target: netip.AddrPortFrom(to, 80), Sources: sources, Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stopSpoof(t *testing.T, spoofs ...*lab.Spoof) {
	t.Helper()
	for _, s := range spoofs {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// sourcesOf returns the addresses or prefixes of a meter's sources.
func sourcesOf(m policy.SYNMeter) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range m.Sources {
		list = append(list, s.Source)
	}
	return list
}

// TestMeterNamesTheFlooders floods from ten sources among 10,000 quiet ones.
func TestMeterNamesTheFlooders(t *testing.T) {
	f := metered(t)
	all := lab.SpoofRange().IPv4(10_010)
	flooders, quiet := all[:10], all[10:]
	murmur := f.spoof(t, lab.VictimV4(), quiet, 5_000)
	nstest.Await(t, "10,000 quiet SYNs", func() bool { return murmur.Counts().Sent >= 10_000 })
	if m := f.read(t); len(m.Sources) != 0 || m.Over != 0 || m.Unmetered != 0 {
		t.Fatalf("before the flood: %+v", m)
	}
	flood := f.spoof(t, lab.VictimV4(), flooders, 100_000)
	nstest.Await(t, "100,000 SYNs of the flood", func() bool { return flood.Counts().Sent >= 100_000 })
	m := f.read(t)
	stopSpoof(t, flood, murmur)
	var want []netip.Prefix
	for _, a := range flooders {
		want = append(want, netip.PrefixFrom(a, 32))
	}
	slices.SortFunc(want, policy.ComparePrefix)
	if got := sourcesOf(m); !slices.Equal(got, want) {
		t.Errorf("the meter names %v, want %v", got, want)
	}
	if m.Unlisted != 0 || m.Unmetered != 0 || m.Over < 50_000 || m.SYNs < m.Over {
		t.Errorf("meter %+v", m)
	}
	if n := f.conntrack(t); n != 0 {
		t.Errorf("%d conntrack entries: a meter needs none", n)
	}
	nstest.Await(t, "the list to be empty after the flood", func() bool { return len(f.read(t).Sources) == 0 })
}

func TestMeterGroupsIPv6(t *testing.T) {
	f := metered(t)
	flood := f.spoof(t, lab.VictimV6(), lab.AttackRange().OneSubnet(1000), 20_000)
	nstest.Await(t, "the subnet to be named", func() bool { return len(f.read(t).Sources) > 0 })
	stopSpoof(t, flood)
	want := policy.Group(lab.AttackRange().OneSubnet(1)[0], 64)
	if got := sourcesOf(f.read(t)); len(got) > 1 || len(got) == 1 && got[0] != want {
		t.Errorf("the meter names %v, want %v", got, want)
	}
}

// TestMeterFillsUp floods from more sources than the meter can tell apart. That is a value, and
// nobody is named.
func TestMeterFillsUp(t *testing.T) {
	f := metered(t)
	random := slices.Concat(lab.SpoofRange().IPv4(60_000), lab.AttackRange().IPv4(60_000))
	flood := f.spoof(t, lab.VictimV4(), random, 100_000)
	nstest.Await(t, "the meter to be full", func() bool { return f.read(t).Unmetered > 10_000 })
	m := f.read(t)
	stopSpoof(t, flood)
	if len(m.Sources) != 0 || m.Unlisted != 0 {
		t.Errorf("%d sources are named of a flood of random ones: %v", len(m.Sources), m.Sources[:min(3, len(m.Sources))])
	}
}

// TestMeterListIsBounded floods from more sources over their rate than the list has room for.
func TestMeterListIsBounded(t *testing.T) {
	f := newField(t)
	f.meter(t, policy.MinSYNPerSource)
	flood := f.spoof(t, lab.VictimV4(), lab.SpoofRange().IPv4(3_000), 200_000)
	nstest.Await(t, "the list to be full", func() bool { return f.read(t).Unlisted > 0 })
	stopSpoof(t, flood)
	// Of IPv4 there is room for half of all.
	if m := f.read(t); len(m.Sources) > policy.MaxSYNSources/2 || m.Unlisted >= m.Over {
		t.Errorf("%d sources are named, at most %d should be; meter %d over, %d of them unlisted",
			len(m.Sources), policy.MaxSYNSources/2, m.Over, m.Unlisted)
	}
}

// TestMeterPassesEverything: a meter turns nobody away, whatever it sees, and leaves exempt sources
// and lo alone.
func TestMeterPassesEverything(t *testing.T) {
	f := newField(t)
	f.meter(t, policy.MinSYNPerSource)
	if n := f.open(t, "10.66.0.3", 80, 60); n != 60 {
		t.Errorf("%d of 60 connections passed the meter", n)
	}
	m := f.read(t)
	if m.SYNs < 60 {
		t.Errorf("meter %+v, want 60 SYNs at least", m)
	}
	if n := f.open(t, "10.66.0.4", 80, 60); n != 60 {
		t.Errorf("%d of 60 connections of an exempt source passed the meter", n)
	}
	if again := f.read(t); again.SYNs != m.SYNs {
		t.Errorf("an exempt source is metered: %d SYNs, then %d", m.SYNs, again.SYNs)
	}
}

// TestMeterRateChanges: a new rate holds for sources the kernel has met under the old one.
func TestMeterRateChanges(t *testing.T) {
	f := newField(t)
	f.meter(t, policy.MaxSYNPerSource)
	flood := f.spoof(t, lab.VictimV4(), lab.SpoofRange().IPv4(1), 2_000)
	nstest.Await(t, "the source is met", func() bool { return f.read(t).SYNs > 100 })
	if m := f.read(t); m.Over != 0 {
		t.Errorf("meter %+v, want nothing over the rate", m)
	}
	f.meter(t, 100)
	nstest.Await(t, "the source is over the new rate", func() bool { return len(f.read(t).Sources) == 1 })
	stopSpoof(t, flood)
}

func TestMetersWithoutMeter(t *testing.T) {
	f := newField(t)
	if all, err := f.table.Meters(); err != nil || len(all) != 0 {
		t.Errorf("meters %v, %v without a table", all, err)
	}
	if err := f.table.Apply(Diff(f.table.Have(), Compile(fieldPolicy(), fieldDecision(), Environment{}), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	if all, err := f.table.Meters(); err != nil || len(all) != 0 {
		t.Errorf("meters %v, %v in a table of limits", all, err)
	}
}
