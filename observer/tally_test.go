package observer

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/policy"
)

// model counts the obvious way.
type model map[struct {
	service int
	source  netip.Prefix
}]policy.SourceCensus

func (m model) add(service int, source netip.Prefix, held bool) {
	key := struct {
		service int
		source  netip.Prefix
	}{service, source}
	c := m[key]
	c.Source = source
	if held {
		c.Held++
	} else {
		c.HalfOpen++
	}
	m[key] = c
}

// sources returns the sources of a service in order.
func (m model) sources(service int) []policy.SourceCensus {
	var out []policy.SourceCensus
	for key, c := range m {
		if key.service == service {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b policy.SourceCensus) int { return policy.ComparePrefix(a.Source, b.Source) })
	return out
}

// withoutSingle leaves out what tests of single.go look at.
func withoutSingle(list []policy.SourceCensus) []policy.SourceCensus {
	out := slices.Clone(list)
	for i := range out {
		out[i].Single, out[i].SingleHeld = netip.Addr{}, 0
	}
	return out
}

func TestTallyAgreesWithModel(t *testing.T) {
	exempt := netip.MustParsePrefix("2001:db8::1/128")
	g := newGrouping((&target{ipv6Source: 64}).exempting([]netip.Prefix{exempt}), []netip.Addr{netip.MustParseAddr("198.51.0.1")})
	rnd := rand.New(rand.NewPCG(5, 5))
	var tl tally
	for round := range 5 { // the table is used again
		tl.reset(3, 1<<20)
		m := model{}
		for range 20000 {
			service, held := rnd.IntN(3), rnd.IntN(4) > 0
			a := randomAddr(rnd)
			if rnd.IntN(3) == 0 {
				a = netip.AddrFrom4([4]byte{10, byte(rnd.IntN(2)), byte(rnd.IntN(256)), byte(rnd.IntN(256))})
			}
			tl.add(g, service, addressOf(a), held)
			switch {
			case a == netip.MustParseAddr("198.51.0.1"):
			case a == exempt.Addr():
				m.add(service, exempt, held)
			default:
				m.add(service, policy.Group(a, 64), held)
			}
		}
		lists, rests := tl.sources(3, 1<<20)
		for service := range 3 {
			if want := m.sources(service); !slices.Equal(withoutSingle(lists[service]), want) {
				t.Fatalf("round %d, service %d: %d sources differ from the model's %d", round, service, len(lists[service]), len(want))
			}
			if rests[service] != (policy.Rest{}) {
				t.Errorf("rest %+v without a bound", rests[service])
			}
		}
	}
}

func TestTallyKeepsHeaviest(t *testing.T) {
	g := newGrouping(&target{ipv6Source: 64}, nil)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	tests := []struct {
		name  string
		held  []int // by source
		half  []int
		limit int
		want  []int // sources that stay
		rest  policy.Rest
	}{
		{"all fit", []int{1, 2, 3}, nil, 3, []int{0, 1, 2}, policy.Rest{}},
		{"heaviest", []int{5, 1, 9, 2}, nil, 2, []int{0, 2}, policy.Rest{Sources: 2, Held: 3}},
		{"ties go by address", []int{3, 3, 3, 3}, nil, 3, []int{0, 1, 2}, policy.Rest{Sources: 1, Held: 3}},
		{"ties below heavier ones", []int{1, 7, 1, 7, 1}, nil, 3, []int{0, 1, 3}, policy.Rest{Sources: 2, Held: 2}},
		{"half-open break ties", []int{1, 1, 1}, []int{0, 0, 4}, 1, []int{2}, policy.Rest{Sources: 2, Held: 2}},
		{"held beats half-open", []int{0, 1}, []int{100, 0}, 1, []int{1}, policy.Rest{Sources: 1}},
		{"none allowed", []int{4, 4}, nil, 0, nil, policy.Rest{Sources: 2, Held: 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tl tally
			tl.reset(1, 100)
			for i, n := range tt.held {
				for range n {
					tl.add(g, 0, addressOf(addr(i)), true)
				}
			}
			for i, n := range tt.half {
				for range n {
					tl.add(g, 0, addressOf(addr(i)), false)
				}
			}
			lists, rests := tl.sources(1, tt.limit)
			var got []int
			for _, s := range lists[0] {
				b := s.Source.Addr().As4()
				got = append(got, int(b[2])<<8|int(b[3]))
			}
			if !slices.Equal(got, tt.want) || rests[0] != tt.rest {
				t.Errorf("kept %v, rest %+v; want %v, %+v", got, rests[0], tt.want, tt.rest)
			}
		})
	}
}

func TestTallyAtItsBound(t *testing.T) {
	g := newGrouping(&target{ipv6Source: 64}, nil)
	const bound, heavy, each = 1000, 20, 400
	rnd := rand.New(rand.NewPCG(7, 7))
	var stream []address
	for i := range heavy {
		for range each {
			stream = append(stream, addressOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})))
		}
	}
	const light = 50000
	for i := range light {
		stream = append(stream, addressOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})))
	}
	rnd.Shuffle(len(stream), func(i, j int) { stream[i], stream[j] = stream[j], stream[i] })
	var tl tally
	tl.reset(1, bound)
	for _, a := range stream {
		tl.add(g, 0, a, true)
		if tl.used > bound {
			t.Fatalf("%d sources in a table bounded by %d", tl.used, bound)
		}
	}
	if !tl.pruned || len(tl.slots)*7 > 16*bound {
		t.Errorf("pruned %v, %d slots for %d sources", tl.pruned, len(tl.slots), bound)
	}
	lists, rests := tl.sources(1, heavy)
	held := rests[0].Held
	for i, s := range lists[0] {
		held += s.Held
		if want := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}); s.Source.Addr() != want || s.Held > each || s.Held < each*9/10 {
			t.Errorf("place %d: %v with %d, want %v with about %d", i, s.Source, s.Held, want, each)
		}
	}
	if held != len(stream) {
		t.Errorf("%d connections accounted for, want %d", held, len(stream))
	}
	if rests[0].Sources < light {
		t.Errorf("%d sources in the rest, want at least %d", rests[0].Sources, light)
	}
}

func TestTallyBoundOfOne(t *testing.T) {
	g := newGrouping(&target{ipv6Source: 64}, nil)
	var tl tally
	tl.reset(1, 0)
	for i := range 10 {
		tl.add(g, 0, addressOf(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})), true)
	}
	if tl.used != 1 || tl.dropped[0] != (rest{9, 9}) {
		t.Errorf("%d sources kept, %+v dropped", tl.used, tl.dropped[0])
	}
}

func TestTallyShrinks(t *testing.T) {
	g := newGrouping(&target{ipv6Source: 64}, nil)
	var tl tally
	tl.reset(1, 1<<20)
	for i := range 100000 {
		tl.add(g, 0, addressOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), true)
	}
	blown := len(tl.slots)
	tl.reset(1, 1<<20)
	tl.add(g, 0, address{1, 1}, true)
	if len(tl.slots) != blown {
		t.Error("the table was given up although the last count filled it")
	}
	tl.reset(1, 1<<20)
	if len(tl.slots) != tallyStart || tl.used != 0 {
		t.Errorf("%d slots and %d sources after a count of one", len(tl.slots), tl.used)
	}
}
