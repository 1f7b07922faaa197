package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// dice draws the choices of a random world: from the bytes of a fuzzer while there are any, then from a
// seed.
type dice struct {
	data []byte
	rest *rand.Rand
}

// n returns a number below n, which is at most 256 where a fuzzer is to choose it.
func (d *dice) n(n int) int {
	if len(d.data) == 0 {
		return d.rest.IntN(n)
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

// in returns true once in n times.
func (d *dice) in(n int) bool { return d.n(n) == 0 }

// maybe returns 0 or a number of a range.
func (d *dice) maybe(least, most int) int {
	if d.in(2) {
		return 0
	}
	return least + d.n(most-least+1)
}

func pick[T any](d *dice, list []T) T { return list[d.n(len(list))] }

// neighbourhood is where all sources of a random world live: close together, so that prefixes,
// exemptions and overrides meet them.
var neighbourhood = func() []netip.Addr {
	var list []netip.Addr
	for _, net := range []struct {
		format string
		count  int
	}{{"198.51.100.%d", 10}, {"198.51.101.%d", 6}, {"203.0.113.%d", 3}, {"2001:db8:0:%d::7", 5}, {"2001:db8:1:%d::7", 3}, {"2001:db8:0:0::%d", 3}} {
		for i := range net.count {
			list = append(list, netip.MustParseAddr(fmt.Sprintf(net.format, i+1)))
		}
	}
	return list
}()

// around returns a random prefix of the neighbourhood.
func (d *dice) around() netip.Prefix {
	addr := pick(d, neighbourhood)
	bits := []int{32, 32, 30, 24, 16}
	if addr.Is6() {
		bits = []int{128, 64, 64, 48, 32}
	}
	return netip.PrefixFrom(addr, pick(d, bits)).Masked()
}

// world is a random policy and what is observed under it.
type world struct {
	*dice
	policy    *Policy
	at        Instant
	counters  Counters
	held      map[string]map[netip.Addr]int // by service and address
	meters    map[string]*SYNMeter
	sessions  []Session
	booted    bool // in this turn
	neighbour Firewall
	narrow    bool // every IPv6 address is a source of its own
}

func newWorld(d *dice) *world {
	w := &world{dice: d, at: Instant(time.Minute), counters: Counters{Valid: true, SynCookies: 1}, meters: map[string]*SYNMeter{}, held: map[string]map[netip.Addr]int{}}
	w.narrow = w.in(5)
	w.legislate()
	return w
}

// legislate makes a new policy. Bounds are far below what a policy file may state, so that they are met.
func (w *world) legislate() {
	p := &Policy{
		Observe: Observe{Tick: DefaultTick, MaxSources: 4 + w.n(40), IPv6Source: pick(w.dice, []int{64, 64, 64, 56}),
			Meters: Arming(w.n(2)), SYNPressure: 1000},
		Limits: Limits{MaxBlocks: 1 + w.n(6)},
	}
	if w.narrow {
		p.Observe.IPv6Source = 128
	}
	for range w.n(3) {
		p.Exempt.Prefixes = append(p.Exempt.Prefixes, w.around())
	}
	slices.SortFunc(p.Exempt.Prefixes, ComparePrefix)
	if w.in(2) {
		p.Exempt.SSHGroups = []string{"sudo"}
	}
	for _, name := range []string{"web", "mail", "ssh"}[w.n(3):] {
		p.Services = append(p.Services, w.service(name))
	}
	w.policy = p
}

func (w *world) service(name string) Service {
	svc := Service{Name: name, Mode: Mode(w.n(2)), Ports: map[string][]PortRange{"web": {{80, 80}}, "mail": {{25, 25}}, "ssh": {{22, 22}}}[name], Traffic: Traffic(w.n(2)),
		Capacity:    w.maybe(10, 90),
		Connections: Connections{PerSource: w.maybe(MinPerSource, 12), CloseExcess: !w.in(4)},
		Rate:        Rate{SYNPerSource: w.maybe(MinSYNPerSource, 40), NewPerSource: w.maybe(MinNewPerSource, 10)},
		Response: Response{Lease: time.Duration(2+w.n(30)) * time.Second, Quiet: time.Duration(1+w.n(20)) * time.Second,
			BlockAfter: time.Duration(w.maybe(1, 5)) * time.Second, BlockFor: []time.Duration{10 * time.Second, time.Minute, time.Hour}[:1+w.n(3)]},
	}
	if name == "ssh" && w.in(3) {
		svc.Ports = append(svc.Ports, PortRange{443, 443})
	}
	for _, l := range []PrefixLimit{{Bits: 24}, {Bits: 16}, {IPv6: true, Bits: 48}, {IPv6: true, Bits: 32}} {
		if l.Max = svc.Connections.PerSource + w.n(30); w.in(3) && l.Max >= MinPerSource {
			svc.Connections.PerPrefix = append(svc.Connections.PerPrefix, l)
		}
	}
	for range w.n(3) {
		o := Override{Prefix: w.around(), PerSource: w.maybe(MinPerSource, 20), NewPerSource: w.maybe(MinNewPerSource, 20)}
		if !slices.ContainsFunc(svc.Overrides, func(other Override) bool { return other.Prefix == o.Prefix }) {
			svc.Overrides = append(svc.Overrides, o)
		}
	}
	slices.SortFunc(svc.Overrides, func(a, b Override) int { return b.Prefix.Bits() - a.Prefix.Bits() })
	return svc
}

// turn lets time go on and returns what is observed then.
func (w *world) turn() Observation {
	last := w.at
	if w.in(60) {
		w.legislate()
	}
	if w.in(80) {
		w.at, w.meters, w.counters = Instant(time.Second), map[string]*SYNMeter{}, Counters{Valid: true, SynCookies: w.n(3)}
	}
	w.at = w.at.Add(pick(w.dice, []time.Duration{0, 1, time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
		time.Second, time.Second, time.Second, 3 * time.Second, 20 * time.Second, 5 * time.Minute}))
	w.booted = w.at < last
	o := Observation{At: w.at, Wall: int64(w.at) + int64(w.n(3))*int64(time.Hour)}
	w.behave()
	if w.in(2) {
		o.Census = w.census()
	}
	if w.in(3) {
		o.Endings = w.endings()
	}
	if w.in(2) {
		o.Metered, o.SYNs = true, w.syns()
	}
	w.people(&o)
	w.count(&o)
	o.Firewall = w.firewall()
	ordered(&o)
	return o
}

// behave lets some sources open and close connections. Some come to hold far too many.
func (w *world) behave() {
	for i := range w.policy.Services {
		name := w.policy.Services[i].Name
		if w.held[name] == nil {
			w.held[name] = map[netip.Addr]int{}
		}
		for range w.n(4) {
			w.held[name][pick(w.dice, neighbourhood)] = pick(w.dice, []int{0, 0, 1, 2, 3, 4, 8, 15, 40})
		}
		if w.in(30) {
			clear(w.held[name])
		}
	}
}

func (w *world) census() Census {
	c := Census{Taken: true, Complete: !w.in(4), From: w.at}
	for i := range w.policy.Services {
		svc := ServiceCensus{Service: w.policy.Services[i].Name, Unread: w.maybe(0, 30)}
		by := map[netip.Prefix]*SourceCensus{}
		for _, addr := range neighbourhood {
			held := w.held[svc.Service][addr]
			if held == 0 || !c.Complete && w.in(3) {
				continue
			}
			source := Group(addr, w.policy.Observe.IPv6Source)
			s := by[source]
			if s == nil {
				s = &SourceCensus{Source: source}
				by[source] = s
			}
			if others := s.Held; held > others && addr.Is6() {
				s.Single, s.SingleHeld = addr, max(held, held-others)
			}
			s.Held += held
			if s.Single.IsValid() && s.SingleHeld*2 <= s.Held {
				s.Single, s.SingleHeld = netip.Addr{}, 0
			}
			svc.Held += held
		}
		for _, s := range by {
			svc.Sources = append(svc.Sources, *s)
		}
		slices.SortFunc(svc.Sources, func(a, b SourceCensus) int { return b.Held*1000 - a.Held*1000 + ComparePrefix(a.Source, b.Source) })
		for _, s := range svc.Sources[min(len(svc.Sources), w.policy.Observe.MaxSources):] {
			svc.Rest.Sources++
			svc.Rest.Held += s.Held
		}
		svc.Sources = svc.Sources[:min(len(svc.Sources), w.policy.Observe.MaxSources)]
		c.Services = append(c.Services, svc)
	}
	return c
}
