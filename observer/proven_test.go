package observer

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"ebbgate/policy"
)

// newProven returns an empty set for IPv6 sources of 64 bits.
func newProven() *proven {
	p := &proven{}
	p.configure(64, 1)
	return p
}

// learn notes a handshake of an address as the reader of endings does.
func learn(p *proven, addr string, now policy.Instant) {
	g := newGrouping(&target{ipv6Source: p.six.bits}, nil)
	group, bits := g.group(addressOf(netip.MustParseAddr(addr)))
	p.add(group, int(bits), now)
}

// source is a census entry with one connection held.
func sourceOf(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
}

func censusOf(n int) *policy.Census {
	c := &policy.Census{Taken: true, Services: []policy.ServiceCensus{{Service: "web"}}}
	for i := range n {
		c.Services[0].Sources = append(c.Services[0].Sources, policy.SourceCensus{Source: sourceOf(i), Held: 1})
	}
	return c
}

func TestProvenLastsTenMinutes(t *testing.T) {
	p := newProven()
	learn(p, "192.0.2.1", at(0))
	learn(p, "2001:db8::5", at(time.Minute))
	tests := []struct {
		source string
		at     time.Duration
		want   bool
	}{
		{"192.0.2.1/32", 0, true},
		{"192.0.2.1/32", 10 * time.Minute, true},
		{"192.0.2.1/32", 10*time.Minute + 1, false},
		{"192.0.2.2/32", 0, false},
		{"2001:db8::/64", 11 * time.Minute, true},
		{"2001:db8::/64", 11*time.Minute + 1, false},
		{"2001:db8::7/128", 11 * time.Minute, true}, // a part of the source
		{"2001:db8::/56", time.Minute, false},       // wider than a source
		{"2001:db8:0:1::/64", time.Minute, false},
		{"192.0.2.0/24", 0, false},
		{"0.0.0.0/0", 0, false},
		{"::ffff:192.0.2.1/128", 0, false}, // no source of policy.Group
	}
	for _, tt := range tests {
		if got := p.has(netip.MustParsePrefix(tt.source), at(tt.at)); got != tt.want {
			t.Errorf("%s after %v: %v, want %v", tt.source, tt.at, got, tt.want)
		}
	}
	learn(p, "192.0.2.1", at(9*time.Minute))
	if !p.has(netip.MustParsePrefix("192.0.2.1/32"), at(19*time.Minute)) {
		t.Error("a later handshake does not count")
	}
}

func TestProvenByCensus(t *testing.T) {
	p := newProven()
	p.counted(&policy.Census{Taken: true, Services: []policy.ServiceCensus{
		{Service: "web", Sources: []policy.SourceCensus{
			held("192.0.2.1/32", 1),
			{Source: netip.MustParsePrefix("192.0.2.2/32"), HalfOpen: 9},
			held("2001:db8::7/128", 1), // kept whole by an exempt prefix
		}},
		{Service: "ssh", Sources: []policy.SourceCensus{held("192.0.2.3/32", 4), held("2001:db8:1::/56", 2)}},
	}}, at(0))
	for source, want := range map[string]bool{
		"192.0.2.1/32": true, "192.0.2.2/32": false, "192.0.2.3/32": true,
		"2001:db8::/64": true, "2001:db8:1::/56": false, "2001:db8:1::/64": false,
	} {
		if got := p.has(netip.MustParsePrefix(source), at(0)); got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
}

func TestProvenAtItsBound(t *testing.T) {
	p := newProven()
	fits := censusOf(minProven)
	p.counted(fits, at(0))
	stranger := netip.MustParsePrefix("192.0.2.1/32")
	if p.has(stranger, at(0)) {
		t.Error("a full set that turned nobody away takes a stranger for proven")
	}
	p.counted(fits, at(time.Minute)) // known sources need no room
	if p.has(stranger, at(time.Minute)) || p.four.last.used != minProven {
		t.Errorf("%d sources, want %d", p.four.last.used, minProven)
	}
	learn(p, "198.51.100.1", at(2*time.Minute))
	for _, after := range []time.Duration{2 * time.Minute, 12 * time.Minute} {
		if !p.has(stranger, at(after)) || !p.overfull(at(after)) {
			t.Errorf("after %v: a set that turned a source away still tells strangers", after)
		}
	}
	if p.has(stranger, at(12*time.Minute+1)) || p.overfull(at(12*time.Minute+1)) {
		t.Error("it never gets over it")
	}
	if strange6 := netip.MustParsePrefix("2001:db8::/64"); p.has(strange6, at(2*time.Minute)) {
		t.Error("IPv4 clients use up what IPv6 clients are known by")
	}
	if p.four.last.used != minProven {
		t.Errorf("%d sources, the bound is %d", p.four.last.used, minProven)
	}
	learn(p, "198.51.100.1", at(12*time.Minute)) // all others have expired
	if p.four.last.used != 1 || !p.has(netip.MustParsePrefix("198.51.100.1/32"), at(13*time.Minute)) {
		t.Errorf("%d sources left, want the one that came last", p.four.last.used)
	}
}

// TestProvenSearchesSeldom makes sure that a full set is not searched for every newcomer.
func TestProvenSearchesSeldom(t *testing.T) {
	p := newProven()
	p.counted(censusOf(minProven), at(0))
	for i := range 100 {
		learn(p, fmt.Sprintf("192.0.2.%d", i), at(time.Minute+time.Duration(i)*time.Millisecond))
		if p.four.forgot != at(time.Minute) {
			t.Fatalf("searched again after %d ms", i)
		}
	}
	learn(p, "192.0.2.200", at(time.Minute+forgetEvery))
	if p.four.forgot != at(time.Minute+forgetEvery) {
		t.Error("never searched again")
	}
}

func TestProvenConfigure(t *testing.T) {
	p := newProven()
	learn(p, "192.0.2.1", at(0))
	learn(p, "2001:db8::5", at(0))
	four, six, wide := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("2001:db8::/56")
	p.configure(64, 1<<20)
	if !p.has(six, at(0)) {
		t.Error("another bound makes it forget")
	}
	p.configure(56, 1000)
	if !p.has(four, at(0)) || p.has(six, at(0)) || p.has(wide, at(0)) {
		t.Error("IPv6 sources of another length must go, and IPv4 stay")
	}
	p.add(addressOf(six.Addr()), 64, at(0)) // by a census that began before
	if !p.has(wide, at(0)) {
		t.Error("a part of a source does not speak for it")
	}
	p.configure(64, 1000)
	p.add(addressOf(wide.Addr()), 56, at(0))
	if p.has(six, at(0)) {
		t.Error("a wider prefix speaks for each source in it")
	}
}

func TestProvenTogether(t *testing.T) {
	p := newProven()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				p.add(addressOf(sourceOf(i).Addr()), 32, at(time.Duration(g)))
				p.has(sourceOf(i), at(0))
			}
			p.counted(censusOf(100), at(0))
			p.configure(64+g%2, 1000)
		})
	}
	all.Wait()
	for i := range 2000 {
		if !p.has(sourceOf(i), at(0)) {
			t.Fatalf("%v is missing", sourceOf(i))
		}
	}
}

func BenchmarkProvenCensus(b *testing.B) {
	for _, n := range []int{1000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := &proven{}
			p.configure(64, n)
			c := censusOf(n)
			b.ReportAllocs()
			for b.Loop() {
				p.counted(c, at(0))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/source")
		})
	}
}

// BenchmarkProvenFresh fills an empty set, as the first census does.
func BenchmarkProvenFresh(b *testing.B) {
	c := censusOf(100000)
	b.ReportAllocs()
	for b.Loop() {
		p := &proven{}
		p.configure(64, 100000)
		p.counted(c, at(0))
	}
}

func BenchmarkProvenHas(b *testing.B) {
	p := &proven{}
	p.configure(64, 100000)
	p.counted(censusOf(100000), at(0))
	var addr [4]byte
	i := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		i += 7919
		binary.BigEndian.PutUint32(addr[:], 10<<24|i%200000)
		p.has(netip.PrefixFrom(netip.AddrFrom4(addr), 32), at(0))
	}
}
