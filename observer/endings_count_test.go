package observer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// endedAt makes a destroyed socket. An IPv4 address in brackets is a mapped one.
func endedAt(local, remote string) *inetdiag.Socket {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	s := &inetdiag.Socket{Family: unix.AF_INET6, State: inetdiag.Close, LocalAddr: l.Addr().As16(), LocalPort: l.Port(),
		RemoteAddr: r.Addr().As16(), RemotePort: r.Port()}
	if l.Addr().Is4() {
		s.Family = unix.AF_INET
	}
	return s
}

// counting begins a count for a policy, on a host with the given addresses.
func counting(tb testing.TB, p *policy.Policy, own []netip.Addr, all ...listening) (*endingCount, *scene) {
	tb.Helper()
	t, err := newTarget(p)
	if err != nil {
		tb.Fatal(err)
	}
	s := newScene(t, all)
	c := &endingCount{}
	c.doors.build(s.listeners, t.services)
	c.begin(s, newGrouping(t, own))
	return c, s
}

func TestEndingCountFindsTheService(t *testing.T) {
	p := &policy.Policy{
		Observe: policy.Observe{MaxSources: 10, IPv6Source: 64},
		Services: []policy.Service{
			{Name: "web", Ports: ports(80)},
			{Name: "one", Ports: ports(81), Addresses: addrs("192.0.2.1")},
			{Name: "four", Ports: ports(82)},
			{Name: "onward", Ports: ports(83), Traffic: policy.Forwarded},
			{Name: "bound", Ports: ports(84)},
		},
	}
	tests := []struct {
		name          string
		local, remote string
		want          int
	}{
		{"IPv4", "192.0.2.9:80", "198.51.100.7:4000", 0},
		{"mapped", "[::ffff:192.0.2.9]:80", "[::ffff:198.51.100.7]:4000", 0},
		{"IPv6", "[2001:db8::1]:80", "[2001:db8:9::1]:4000", 0},
		{"aborted", "0.0.0.0:80", "198.51.100.7:0", 0},
		{"aborted, mapped", "[::]:80", "[::ffff:198.51.100.7]:0", 0},
		{"aborted, IPv6", "[::]:80", "[2001:db8:9::1]:0", 0},
		{"an address of the service", "192.0.2.1:81", "198.51.100.7:4000", 1},
		{"another address", "192.0.2.2:81", "198.51.100.7:4000", noService},
		{"aborted, of which address nobody knows", "0.0.0.0:81", "198.51.100.7:0", noService},
		{"a listener of the other family", "[2001:db8::1]:82", "[2001:db8:9::1]:4000", noService},
		{"aborted, the same", "[::]:82", "[2001:db8:9::1]:0", noService},
		{"aborted, of IPv4 by its peer", "[::]:82", "[::ffff:198.51.100.7]:0", 2},
		{"a service that watches forwarded connections", "192.0.2.1:83", "198.51.100.7:4000", noService},
		{"a listener bound to an address", "192.0.2.4:84", "198.51.100.7:4000", 4},
		{"aborted at it", "192.0.2.4:84", "198.51.100.7:0", 4},
		{"another address than it is bound to", "192.0.2.5:84", "198.51.100.7:4000", noService},
		{"no listener", "192.0.2.1:4000", "198.51.100.7:80", noService},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := counting(t, p, nil, listener("[::]:80", false), listener("0.0.0.0:81", false),
				listener("0.0.0.0:82", false), listener("0.0.0.0:83", false), listener("192.0.2.4:84", false))
			if got := c.add(endedAt(tt.local, tt.remote)); got != (tt.want != noService) {
				t.Errorf("counted %v", got)
			}
			for i, svc := range c.services(s) {
				want := 0
				if i == tt.want {
					want = 1
				}
				if svc.Ended != want || len(svc.Sources) != want || svc.Service != p.Services[i].Name {
					t.Errorf("service %+v, want %d", svc, want)
				}
			}
		})
	}
}

func TestEndingCountGroupsLikeACensus(t *testing.T) {
	p := web(func(p *policy.Policy) { p.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:9::7/128")} })
	c, s := counting(t, p, addrs("192.0.2.1", "::1"), listener("[::]:80", false))
	for _, remote := range []string{"[2001:db8:9::1]:1", "[2001:db8:9::2]:2", "[2001:db8:9::7]:3", "198.51.100.7:4",
		"[::ffff:198.51.100.7]:4", "192.0.2.1:5", "127.0.0.1:6", "[::1]:7"} {
		c.add(endedAt("[2001:db8::1]:80", remote))
	}
	want := []policy.ServiceEndings{{Service: "web", Ended: 8, Sources: []policy.SourceEndings{
		{Source: netip.MustParsePrefix("198.51.100.7/32"), Ended: 2},
		{Source: netip.MustParsePrefix("2001:db8:9::/64"), Ended: 2},
		{Source: netip.MustParsePrefix("2001:db8:9::7/128"), Ended: 1},
	}}}
	if got := c.services(s); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	c.begin(s, c.grouping)
	if got := c.services(s); !reflect.DeepEqual(got, []policy.ServiceEndings{{Service: "web"}}) {
		t.Errorf("after it began anew: %+v", got)
	}
}

func TestEndingCountIsBounded(t *testing.T) {
	const limit = 100
	p := web(func(p *policy.Policy) { p.Observe.MaxSources = limit })
	for _, sources := range []int{limit, limit + 1, 2 * limit, 50 * limit} {
		t.Run(fmt.Sprint(sources), func(t *testing.T) {
			c, s := counting(t, p, nil, listener("0.0.0.0:80", false))
			rnd := rand.New(rand.NewPCG(7, 8))
			total := 0
			for _, i := range rnd.Perm(sources) {
				n := 1
				if i < 10 {
					n = 20 // the heavy ones
				}
				for range n {
					c.add(endedAt("192.0.2.1:80", netip.AddrPortFrom(sourceOf(i).Addr(), 9).String()))
					total++
				}
			}
			got := c.services(s)[0]
			sum := got.Rest.Ended
			for i, e := range got.Sources {
				sum += e.Ended
				if i < 10 && (e.Source != sourceOf(i) || e.Ended != 20) {
					t.Errorf("heavy source %d is %+v", i, e)
				}
			}
			if got.Ended != total || sum != total || len(got.Sources) != limit || len(c.tally.slots) > 1024 {
				t.Errorf("ended %d, of sources and rest %d, want %d; %d sources kept, want %d", got.Ended, sum, total, len(got.Sources), limit)
			}
			if beyond := sources - limit; got.Rest.Sources < beyond || beyond == 0 && got.Rest.Sources != 0 {
				t.Errorf("rest %+v of %d sources", got.Rest, sources)
			}
		})
	}
}

func TestSceneShows(t *testing.T) {
	p := web()
	one, err := newTarget(p)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newTarget(p)
	all := []listening{listener("0.0.0.0:80", false), listener("[::]:80", true)}
	s := newScene(one, all)
	all[0].queue, all[1].backlog = 77, 78 // what changes at every tick
	if !s.shows(one, all) {
		t.Error("a longer queue is another scene")
	}
	if s.shows(other, all) || s.shows(one, all[:1]) || s.shows(one, []listening{all[0], listener("[::]:80", false)}) {
		t.Error("another policy or other listeners are the same scene")
	}
	if (*scene)(nil).shows(one, nil) {
		t.Error("no scene shows something")
	}
	if !usable(nil) || !usable(fmt.Errorf("too many: %w", errManyListeners)) || usable(errors.New("interrupted")) {
		t.Error("which dumps are usable")
	}
}

// BenchmarkEndingCount is what counting adds to reading, the proven set included.
func BenchmarkEndingCount(b *testing.B) {
	for _, sources := range []int{500, 50000} {
		b.Run(fmt.Sprint(sources), func(b *testing.B) {
			c, _ := counting(b, web(func(p *policy.Policy) { p.Observe.MaxSources = 100000 }), nil, listener("[::]:80", false))
			r := &endingReader{proven: newProven(), count: *c, now: at(0)}
			s := endedAt("192.0.2.1:80", "10.0.0.1:4000")
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				n := i * 7919 % sources
				s.RemoteAddr = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).As16()
				r.heard(s)
			}
		})
	}
}
