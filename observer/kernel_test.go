package observer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// Addresses of the tests. They are made local by a route and assigned to no interface, so that
// connections from them are foreign to the observer.
const (
	server4 = "10.77.0.1"
	server6 = "2001:db8:77::1"
)

// enter opens an Observer in a namespace of its own, where 10/8 and 2001:db8::/32 are local.
func enter(tb testing.TB, p *policy.Policy) *Observer {
	tb.Helper()
	nstest.Enter(tb)
	nstest.AnyIP(tb, "10.0.0.0/8", "2001:db8::/32")
	o, err := Open(slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := o.Close(); err != nil {
			tb.Error(err)
		}
	})
	o.SetPolicy(p)
	return o
}

// web is a policy of one service on port 80.
func web(change ...func(*policy.Policy)) *policy.Policy {
	p := &policy.Policy{
		Observe:  policy.Observe{CPUBudget: 50, MaxSources: 1000, IPv6Source: 64},
		Services: []policy.Service{{Name: "web", Ports: ports(80)}},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

// count takes a census that must be complete.
func count(tb testing.TB, o *Observer) policy.Census {
	tb.Helper()
	c, err := o.Census(context.Background())
	if err != nil || !c.Taken || !c.Complete {
		tb.Fatalf("census taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
	return c
}

// awaitCensus waits until the census of a single service is what it should be: the kernel moves
// connections between states after the system calls have returned.
func awaitCensus(t *testing.T, o *Observer, want policy.ServiceCensus) {
	t.Helper()
	want.Service = "web"
	var got policy.ServiceCensus
	equal := func() bool {
		got = count(t, o).Services[0]
		return got.Held == want.Held && got.HalfOpen == want.HalfOpen && got.Rest == want.Rest &&
			got.Service == want.Service && got.Unread == want.Unread && slices.Equal(got.Sources, want.Sources)
	}
	defer func() {
		if t.Failed() {
			t.Logf("got  %+v\nwant %+v", got, want)
		}
	}()
	nstest.Await(t, "the census that was expected", equal)
}

func held(source string, n int) policy.SourceCensus {
	return policy.SourceCensus{Source: netip.MustParsePrefix(source), Held: n}
}

// alone is held where all connections are of one address.
func alone(source, address string, n int) policy.SourceCensus {
	s := held(source, n)
	s.Single, s.SingleHeld = netip.MustParseAddr(address), n
	return s
}

// connect opens n connections from one address and accepts them.
func connect(tb testing.TB, l *nstest.Sock, n int, from, to string) (clients, servers []*nstest.Sock) {
	tb.Helper()
	for range n {
		clients = append(clients, nstest.Dial(tb, netip.AddrPortFrom(netip.MustParseAddr(from), 0).String(), to))
		servers = append(servers, l.Accept())
	}
	return clients, servers
}

func TestCensusIPv4(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	connect(t, l, 3, "10.66.0.1", server4+":80")
	connect(t, l, 7, "10.66.200.9", server4+":80")
	connect(t, l, 1, "10.66.0.2", "10.77.9.9:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 11, Sources: []policy.SourceCensus{
		held("10.66.0.1/32", 3), held("10.66.0.2/32", 1), held("10.66.200.9/32", 7)}})
	if c := count(t, o); c.Sockets != 11 || c.From == 0 || c.From > boottime.Now() || c.CPU <= 0 {
		t.Errorf("census %+v", c)
	}
}

func TestCensusIPv6(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "[::]:80", 16, nstest.V6Only)
	for i := range 50 {
		connect(t, l, 1, fmt.Sprintf("2001:db8:66::%x:1", i), "["+server6+"]:80")
	}
	connect(t, l, 4, "2001:db8:66:1::1", "["+server6+"]:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 54, Sources: []policy.SourceCensus{
		held("2001:db8:66::/64", 50), alone("2001:db8:66:1::/64", "2001:db8:66:1::1", 4)}})
}

func TestCensusDualStack(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 5, "10.66.0.1", server4+":80")
	connect(t, l, 2, "2001:db8:66::5", "["+server6+"]:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 7, Sources: []policy.SourceCensus{
		held("10.66.0.1/32", 5), alone("2001:db8:66::/64", "2001:db8:66::5", 2)}})
}

func TestCensusClosing(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	open := func(from string) (client, server *nstest.Sock) {
		c, s := connect(t, l, 1, from, server4+":80")
		return c[0], s[0]
	}
	closeWait, _ := open("10.66.0.1")
	closeWait.Close() // the server's side stays in CLOSE_WAIT
	_, finWait := open("10.66.0.2")
	finWait.CloseWrite() // FIN_WAIT2, held by its process
	_, orphan := open("10.66.0.3")
	orphan.Close() // FIN_WAIT2 without a process, then a TIME_WAIT mini-socket
	client, timeWait := open("10.66.0.4")
	timeWait.Close()
	client.Close() // TIME_WAIT on the server's side
	awaitCensus(t, o, policy.ServiceCensus{Held: 2, Unread: 1, Sources: []policy.SourceCensus{
		held("10.66.0.1/32", 1), held("10.66.0.2/32", 1)}})
}

func TestCensusHalfOpen(t *testing.T) {
	o := enter(t, web())
	nstest.Listen(t, "0.0.0.0:80", 16, nstest.DeferAccept)
	for range 3 {
		nstest.Dial(t, "10.66.0.1:0", server4+":80")
	}
	awaitCensus(t, o, policy.ServiceCensus{HalfOpen: 3, Sources: []policy.SourceCensus{
		{Source: netip.MustParsePrefix("10.66.0.1/32"), HalfOpen: 3}}})
}

// TestCensusOnlyOurListeners is promise P7.
func TestCensusOnlyOurListeners(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) {
		p.Services[0].Ports = []policy.PortRange{{First: 80, Last: 80}, {First: 9000, Last: 9099}}
	}))
	// The host's own connections to port 80 of others. Here the others live in the same
	// namespace, on an address where the service does not listen.
	l := nstest.Listen(t, "10.77.0.2:8080", 16)
	for i := range 20 {
		nstest.Dial(t, "10.77.0.1:0", "10.77.0.2:8080")
		l.Accept()
		// ... and from local ports which belong to the service, where nobody listens.
		nstest.Dial(t, fmt.Sprintf("10.77.0.1:%d", 9000+i), "10.77.0.2:8080")
		l.Accept()
	}
	service := nstest.Listen(t, "10.77.0.1:80", 16)
	other := nstest.Listen(t, "10.77.0.3:80", 16)
	connect(t, service, 2, "10.66.0.1", "10.77.0.1:80")
	connect(t, other, 3, "10.66.0.1", "10.77.0.3:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 5, Sources: []policy.SourceCensus{held("10.66.0.1/32", 5)}})
	other.Close()
	awaitCensus(t, o, policy.ServiceCensus{Held: 2, Sources: []policy.SourceCensus{held("10.66.0.1/32", 2)}})
}

func TestCensusOutgoingToTheSamePort(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) { p.Services[0].Addresses = addrs(server4) }))
	nstest.Listen(t, server4+":80", 16)
	peer := nstest.Listen(t, "10.88.0.1:80", 16)
	connect(t, peer, 100, server4, "10.88.0.1:80")
	awaitCensus(t, o, policy.ServiceCensus{})
}

func TestCensusServiceAddresses(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) { p.Services[0].Addresses = addrs(server4, server6) }))
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 3, "10.66.0.1", server4+":80")
	connect(t, l, 4, "10.66.0.1", "10.77.0.2:80")
	connect(t, l, 1, "2001:db8:66::1", "["+server6+"]:80")
	connect(t, l, 2, "2001:db8:66::1", "[2001:db8:77::2]:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 4, Sources: []policy.SourceCensus{
		held("10.66.0.1/32", 3), alone("2001:db8:66::/64", "2001:db8:66::1", 1)}})
}

func TestCensusExemptWithinGroup(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) {
		p.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:66::1/128"), netip.MustParsePrefix("2001:db8:66:0:8000::/80")}
	}))
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 3, "2001:db8:66::1", "["+server6+"]:80")
	connect(t, l, 2, "2001:db8:66::2", "["+server6+"]:80")
	connect(t, l, 1, "2001:db8:66:0:8000::5", "["+server6+"]:80")
	connect(t, l, 1, "2001:db8:66:0:8001::5", "["+server6+"]:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 7, Sources: []policy.SourceCensus{
		held("2001:db8:66::/64", 3), held("2001:db8:66::1/128", 3), held("2001:db8:66:0:8000::5/128", 1)}})
}

func TestCensusHostsOwnAddresses(t *testing.T) {
	o := enter(t, web())
	nstest.Assign(t, "10.66.0.1/32")
	nstest.Assign(t, "2001:db8:66::1/128")
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 2, "10.66.0.1", server4+":80")
	connect(t, l, 3, "127.0.0.5", "127.0.0.1:80")
	connect(t, l, 1, "::1", "[::1]:80")
	connect(t, l, 4, "2001:db8:66::1", "["+server6+"]:80")
	connect(t, l, 5, "2001:db8:66::2", "["+server6+"]:80")
	awaitCensus(t, o, policy.ServiceCensus{Held: 15, Sources: []policy.SourceCensus{alone("2001:db8:66::/64", "2001:db8:66::2", 5)}})
}

func TestCensusKeepsMaxSources(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) { p.Observe.MaxSources = 2 }))
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	for i := 1; i <= 4; i++ {
		connect(t, l, i, fmt.Sprintf("10.66.0.%d", i), server4+":80")
	}
	awaitCensus(t, o, policy.ServiceCensus{Held: 10, Rest: policy.Rest{Sources: 2, Held: 3},
		Sources: []policy.SourceCensus{held("10.66.0.3/32", 3), held("10.66.0.4/32", 4)}})
	for i := 5; i <= 40; i++ {
		connect(t, l, 1, fmt.Sprintf("10.66.0.%d", i), server4+":80")
	}
	c, err := o.Census(context.Background())
	if !errors.Is(err, errManySources) || !c.Taken || c.Complete || c.CPU <= 0 {
		t.Fatalf("census taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
	s := c.Services[0]
	if s.Held != 46 || len(s.Sources) != 2 || s.Rest.Held+s.Sources[0].Held+s.Sources[1].Held != 46 {
		t.Errorf("census %+v", s)
	}
}

func TestCensusCanceled(t *testing.T) {
	o := enter(t, web())
	nstest.Listen(t, "0.0.0.0:80", 16)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, err := o.Census(ctx)
	if err == nil || !c.Taken || c.Complete {
		t.Errorf("census taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
	count(t, o)
}

func TestCensusOfNothing(t *testing.T) {
	o := enter(t, &policy.Policy{})
	if c := count(t, o); len(c.Services) != 0 || c.From == 0 {
		t.Errorf("census %+v", c)
	}
	o.SetPolicy(web())
	awaitCensus(t, o, policy.ServiceCensus{})
}

func TestCensusBesideTick(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "[::]:80", 16)
	connect(t, l, 200, "10.66.0.1", server4+":80")
	type result struct {
		census policy.Census
		err    error
	}
	done := make(chan result, 20) // one for each census: the sender never waits
	go func() {
		for range cap(done) {
			c, err := o.Census(context.Background())
			done <- result{c, err}
		}
		close(done)
	}()
	busy := 0
	for running := true; running; {
		obs := o.Tick()
		if len(obs.Listeners) != 1 || len(obs.Faults) != 0 {
			t.Fatalf("observation %+v", obs)
		}
		o.SetPolicy(web())
		if c, err := o.Census(context.Background()); errors.Is(err, ErrBusy) {
			busy++
			if c.Taken {
				t.Error("a refused census says it was taken")
			}
		} else if err != nil {
			t.Fatal(err)
		}
		select {
		case r, ok := <-done:
			running = ok
			if ok && r.err == nil && r.census.Services[0].Held != 200 || r.err != nil && !errors.Is(r.err, ErrBusy) {
				t.Errorf("census %+v: %v", r.census, r.err)
			}
		default:
		}
	}
	t.Logf("%d censuses were refused while another ran", busy)
}

func TestTick(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) {
		p.Services = append(p.Services, policy.Service{Name: "alt", Ports: ports(8080)})
	}))
	nstest.Listen(t, "[::]:80", 7)
	nstest.Listen(t, "0.0.0.0:8080", 9)
	nstest.Listen(t, "0.0.0.0:22", 9)
	before := o.Tick()
	for range 3 {
		nstest.Dial(t, "10.66.0.1:0", server4+":80")
	}
	var after policy.Observation
	nstest.Await(t, "three connections in the accept queue", func() bool {
		after = o.Tick()
		return len(after.Listeners) == 2 && after.Listeners[1].Queue == 3
	})
	want := []policy.Listener{
		{Service: "alt", Local: netip.MustParseAddrPort("0.0.0.0:8080"), Backlog: 9},
		{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Queue: 3, Backlog: 7},
	}
	if !slices.Equal(after.Listeners, want) || len(after.Faults) != 0 {
		t.Errorf("listeners %+v, faults %+v", after.Listeners, after.Faults)
	}
	b, a := before.Counters, after.Counters
	if !b.Valid || !a.Valid || a.PassiveOpens != b.PassiveOpens+3 || a.CurrEstab != b.CurrEstab+6 {
		t.Errorf("counters %+v, then %+v", b, a)
	}
	if a.SynCookies < 0 || after.At <= before.At || after.Wall == 0 || after.Census.Taken {
		t.Errorf("observation %+v", after)
	}
}

func TestTickCountsOverflows(t *testing.T) {
	o := enter(t, web())
	nstest.Listen(t, "0.0.0.0:80", 0)
	nstest.Dial(t, "10.66.0.1:0", server4+":80") // a backlog of 0 holds one
	nstest.DialAsync(t, "10.66.0.1:0", server4+":80")
	nstest.DialAsync(t, "10.66.0.1:0", server4+":80")
	nstest.Await(t, "an overflow of the accept queue", func() bool {
		obs := o.Tick()
		return obs.Counters.ListenOverflows > 0 && obs.Counters.ListenDrops > 0
	})
}

func TestTickWithoutPolicy(t *testing.T) {
	o := enter(t, &policy.Policy{})
	nstest.Listen(t, "0.0.0.0:80", 5)
	if obs := o.Tick(); len(obs.Listeners) != 0 || !obs.Counters.Valid || len(obs.Faults) != 0 {
		t.Errorf("observation %+v", obs)
	}
}

func TestObserverStaysInItsNamespace(t *testing.T) {
	o := enter(t, web())
	nstest.Listen(t, "0.0.0.0:80", 5)
	type answer struct {
		obs    policy.Observation
		census policy.Census
	}
	got := make(chan answer, 1)
	go func() { // on a thread of the namespace the tests were started in
		c, _ := o.Census(context.Background())
		got <- answer{o.Tick(), c}
	}()
	a := <-got
	if len(a.obs.Listeners) != 1 || a.obs.Counters.PassiveOpens != 0 || !a.census.Complete {
		t.Errorf("observation %+v, census %+v", a.obs, a.census)
	}
}
