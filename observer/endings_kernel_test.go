package observer

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// eager is web with enough budget for the race detector.
func eager(change ...func(*policy.Policy)) *policy.Policy {
	return web(append([]func(*policy.Policy){func(p *policy.Policy) { p.Observe.CPUBudget = 1000 }}, change...)...)
}

// netlinkSocket is a line of /proc/net/netlink.
type netlinkSocket struct{ groups, drops string }

// destroyed are the groups of destroyed TCP sockets.
const destroyed = "00000005"

// netlinkSockets lists those of the thread's namespace.
func netlinkSockets(tb testing.TB) (all []netlinkSocket) {
	tb.Helper()
	b, err := os.ReadFile("/proc/thread-self/net/netlink")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 10 && f[0] != "sk" {
			all = append(all, netlinkSocket{groups: f[3], drops: f[8]})
		}
	}
	return all
}

// endingSum adds up what ticks report.
type endingSum struct {
	spans, ended int // ended of all services
	lost         uint64
	paused       time.Duration
	sources      map[string]int // by service and source
	from, until  policy.Instant // of the spans; 0: none yet
}

// take ticks once, armed, and adds.
func (s *endingSum) take(tb testing.TB, o *Observer) policy.Observation {
	tb.Helper()
	o.Arm(true)
	obs := o.Tick()
	e := obs.Endings
	if !e.Taken {
		return obs
	}
	if s.until != 0 && e.From != s.until || e.Span < endingSpan || e.Paused < 0 || e.Paused > e.Span {
		tb.Errorf("a span from %v for %v, paused for %v, after one until %v", e.From, e.Span, e.Paused, s.until)
	}
	if s.spans == 0 {
		s.from, s.sources = e.From, map[string]int{}
	}
	s.spans, s.until, s.lost, s.paused = s.spans+1, e.From.Add(e.Span), s.lost+e.Lost, s.paused+e.Paused
	for _, svc := range e.Services {
		s.ended += svc.Ended
		for _, source := range svc.Sources {
			s.sources[svc.Service+" "+source.Source.String()] += source.Ended
		}
	}
	return obs
}

// await takes until as many have ended, and one more span.
func (s *endingSum) await(tb testing.TB, o *Observer, ended int) {
	tb.Helper()
	nstest.Await(tb, "endings to be counted", func() bool { s.take(tb, o); return s.ended >= ended })
	spans := s.spans
	nstest.Await(tb, "another span", func() bool { s.take(tb, o); return s.spans > spans })
	if s.ended != ended {
		tb.Errorf("%d ended, want %d: %v", s.ended, ended, s.sources)
	}
}

// watch arms an Observer that has seen its listeners.
func watch(tb testing.TB, o *Observer) *endingSum {
	tb.Helper()
	o.Tick()
	s := &endingSum{}
	if s.take(tb, o); o.endings.reader == nil {
		tb.Fatalf("not armed: %v", o.endings.fault)
	}
	nstest.Await(tb, "the reader to listen", func() bool {
		return slices.ContainsFunc(netlinkSockets(tb), func(s netlinkSocket) bool { return s.groups == destroyed })
	})
	return s
}

func TestEndings(t *testing.T) {
	o := enter(t, eager(func(p *policy.Policy) {
		p.Services = append(p.Services, policy.Service{Name: "alt", Ports: ports(8080)})
	}))
	nstest.Assign(t, "10.99.0.1/32")
	dual, alt, other := nstest.Listen(t, "[::]:80", 16), nstest.Listen(t, server4+":8080", 16), nstest.Listen(t, "0.0.0.0:22", 16)
	s := watch(t, o)
	cut := func(l *nstest.Sock, n int, from, to string) {
		clients, servers := connect(t, l, n, from, to)
		for i := range n {
			clients[i].Reset()
			servers[i].Close()
		}
	}
	cut(dual, 3, "10.66.0.1", server4+":80")
	cut(dual, 2, "2001:db8:66::5", "["+server6+"]:80")
	cut(dual, 1, "2001:db8:66::6", "["+server6+"]:80")
	cut(dual, 1, "10.99.0.1", server4+":80") // the host's own
	cut(alt, 4, "10.66.0.1", server4+":8080")
	cut(other, 5, "10.66.0.1", server4+":22") // no service
	_, servers := connect(t, dual, 2, "10.66.0.2", server4+":80")
	for _, server := range servers {
		server.Reset()
	}
	connect(t, dual, 1, "10.66.0.3", server4+":80") // goes on
	outgoing, servers := connect(t, other, 1, "10.66.0.4", server4+":22")
	outgoing[0].Close()
	servers[0].Close()
	s.await(t, o, 13)
	want := map[string]int{"web 10.66.0.1/32": 3, "web 10.66.0.2/32": 2, "web 2001:db8:66::/64": 3, "alt 10.66.0.1/32": 4}
	if len(s.sources) != len(want) || s.lost != 0 || s.paused != 0 {
		t.Errorf("sources %v, lost %d, paused %v", s.sources, s.lost, s.paused)
	}
	for source, n := range want {
		if s.sources[source] != n {
			t.Errorf("%s: %d, want %d", source, s.sources[source], n)
		}
	}
}

func TestEndingsFollowListenersAndPolicy(t *testing.T) {
	o := enter(t, eager())
	s := watch(t, o)
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	cut := func() {
		clients, servers := connect(t, l, 1, "10.66.0.1", server4+":80")
		clients[0].Reset()
		servers[0].Close()
	}
	s.take(t, o) // sees the listener
	cut()
	s.await(t, o, 1)
	o.SetPolicy(eager(func(p *policy.Policy) { p.Services[0].Name = "shop" }))
	*s = endingSum{}
	s.take(t, o) // shows the reader the new policy
	cut()
	s.await(t, o, 1)
	if s.sources["shop 10.66.0.1/32"] != 1 {
		t.Errorf("after the reload: %v", s.sources)
	}
	o.SetPolicy(eager(func(p *policy.Policy) { p.Services[0].Traffic = policy.Forwarded }))
	if s.take(t, o); o.endings.reader != nil {
		t.Error("still armed, although no service watches the host's own listeners")
	}
}

// TestEndingsLost keeps the reader from reading while the kernel has more to say than fits.
func TestEndingsLost(t *testing.T) {
	o := enter(t, eager())
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	s := watch(t, o)
	o.proven.four.mu.Lock() // the reader waits for it with the first ending in its hand
	clients, servers := connect(t, l, 1, "10.66.0.1", server4+":80")
	clients[0].Reset()
	servers[0].Close()
	nstest.Await(t, "the kernel to have more to say than fits", func() bool {
		for range 1000 {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(fd)
		}
		return slices.ContainsFunc(netlinkSockets(t), func(s netlinkSocket) bool { return s.drops != "0" })
	})
	o.proven.four.mu.Unlock()
	nstest.Await(t, "a loss to be reported", func() bool { s.take(t, o); return s.lost > 0 })
	before, spans := s.ended, 0
	nstest.Await(t, "an ending after the loss", func() bool {
		if s.take(t, o); s.spans != spans { // one more, in case that the last was lost as well
			spans = s.spans
			clients, servers := connect(t, l, 1, "10.66.0.1", server4+":80")
			clients[0].Reset()
			servers[0].Close()
		}
		return s.ended > before
	})
}

func TestEndingsKeepTheBudget(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) { p.Observe.CPUBudget = 1 }))
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	from, to := addrs("10.66.0.1"), netip.MustParseAddrPort(server4+":80")
	s := watch(t, o)
	greeted := make(chan error, 1)
	churn := func(n int) {
		go func() { greeted <- l.Greet(n) }()
		if err := errors.Join(nstest.Churn(n, from, to), <-greeted); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	nstest.Await(t, "a pause", func() bool {
		churn(200)
		total += 200
		s.take(t, o)
		return s.paused > 0
	})
	if s.ended > total {
		t.Errorf("%d ended of %d", s.ended, total)
	}
	o.SetPolicy(eager())
	*s = endingSum{}
	nstest.Await(t, "a span without a pause", func() bool {
		before := s.paused
		spans := s.spans
		s.take(t, o)
		return s.spans > spans && s.paused == before
	})
	*s = endingSum{}
	churn(200)
	s.await(t, o, 200)
	if s.paused != 0 || s.lost != 0 {
		t.Errorf("paused for %v, lost %d", s.paused, s.lost)
	}
}

func TestEndingsBesideCensusAndReload(t *testing.T) {
	o := enter(t, eager())
	l := nstest.Listen(t, "0.0.0.0:80", 128)
	s := watch(t, o)
	const n = 300
	greeted, censuses := make(chan error, 1), make(chan error, 1)
	go func() { greeted <- l.Greet(n) }()
	stop := make(chan struct{})
	go func() {
		var errs error
		for {
			select {
			case <-stop:
				censuses <- errs
				return
			default:
				_, err := o.Census(context.Background())
				o.Proven(netip.MustParsePrefix("10.66.0.1/32"))
				errs = errors.Join(errs, err)
			}
		}
	}()
	err := nstest.Churn(n, addrs("10.66.0.1", "10.66.0.2"), netip.MustParseAddrPort(server4+":80"))
	close(stop)
	if err := errors.Join(err, <-greeted, <-censuses); err != nil {
		t.Fatal(err)
	}
	s.await(t, o, n)
	for i := range 20 {
		o.SetPolicy(eager())
		o.Arm(i%3 != 0)
		o.Tick()
	}
}

func TestProvenByTheKernel(t *testing.T) {
	o := enter(t, eager())
	l := nstest.Listen(t, "[::]:80", 16)
	s := watch(t, o)
	proven := func(source string) bool { return o.Proven(netip.MustParsePrefix(source)) }
	connect(t, l, 1, "10.66.0.1", server4+":80")
	if proven("10.66.0.1/32") {
		t.Error("proven before anything was seen")
	}
	awaitCensus(t, o, policy.ServiceCensus{Held: 1, Sources: []policy.SourceCensus{held("10.66.0.1/32", 1)}})
	clients, servers := connect(t, l, 1, "2001:db8:66::5", "["+server6+"]:80")
	clients[0].Reset()
	servers[0].Close()
	s.await(t, o, 1)
	for source, want := range map[string]bool{"10.66.0.1/32": true, "2001:db8:66::/64": true, "10.66.0.2/32": false, "2001:db8:67::/64": false} {
		if got := proven(source); got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
	l.Close()
	nstest.Listen(t, "[::]:80", 16, nstest.DeferAccept)
	nstest.Dial(t, "10.66.0.2:0", server4+":80") // half-open: anybody could have sent its SYN
	nstest.Await(t, "a half-open connection", func() bool { return count(t, o).Services[0].HalfOpen == 1 })
	if proven("10.66.0.2/32") || o.ProvenFull() {
		t.Error("a half-open connection proves a source")
	}
}
