package observer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestForwardedStage(t *testing.T) {
	const assured = ctnetlink.SeenReply | ctnetlink.Assured
	tests := []struct {
		state  ctnetlink.State
		status ctnetlink.Status
		want   string
	}{
		{ctnetlink.Established, assured, "held"},
		{ctnetlink.FinWait, assured, "held"},
		{ctnetlink.CloseWait, assured, "held"},
		{ctnetlink.Established, 0, "half-open"}, // picked up from a lone ACK
		{ctnetlink.Established, ctnetlink.SeenReply, "half-open"},
		{ctnetlink.FinWait, ctnetlink.SeenReply, "half-open"},
		{ctnetlink.SynSent, 0, "half-open"},
		{ctnetlink.SynSent2, 0, "half-open"},
		{ctnetlink.SynRecv, ctnetlink.SeenReply, "half-open"},
		{ctnetlink.SynRecv, assured, "half-open"},
		{ctnetlink.LastAck, assured, ""},
		{ctnetlink.TimeWait, assured, ""},
		{ctnetlink.Closed, assured, ""},
		{ctnetlink.Closed, 0, ""},
		{ctnetlink.None, assured | ctnetlink.Offload, "held"},
		{ctnetlink.None, ctnetlink.Offload, ""},
		{ctnetlink.None, assured, ""}, // of another protocol
		{77, assured, ""},
	}
	for _, tt := range tests {
		held, counts := (&ctnetlink.Entry{State: tt.state, Status: tt.status}).Stage()
		got := map[[2]bool]string{{true, true}: "held", {false, true}: "half-open"}[[2]bool{held, counts}]
		if got != tt.want {
			t.Errorf("%v %#x: %q, want %q", tt.state, uint32(tt.status), got, tt.want)
		}
	}
}

// services are of every kind: published ports, a machine behind this router, and local ones.
func forwardedServices() []policy.Service {
	return []policy.Service{
		{Name: "shop", Ports: ports(8080), Traffic: policy.Forwarded},
		{Name: "behind", Ports: ports(80, 8080), Traffic: policy.Forwarded, Addresses: addrs("10.55.0.2", "fd55::2")},
		{Name: "ssh", Ports: ports(22)},
		{Name: "mixed", Ports: ports(443), Traffic: policy.Both},
	}
}

func TestOnwardFind(t *testing.T) {
	g := newGrouping(&target{ipv6Source: 64}, addrs("10.77.0.1", "fd77::1"))
	o := newOnward(forwardedServices())
	tests := []struct {
		to   string
		want int
	}{
		{"10.77.0.1:8080", 0}, {"[fd77::1]:8080", 0}, {"127.0.0.1:8080", 0},
		{"10.77.0.2:8080", noService}, // not this host's, and nobody's address
		{"10.55.0.2:8080", 1}, {"10.55.0.2:80", 1}, {"[fd55::2]:80", 1},
		{"10.77.0.1:80", noService},
		{"10.77.0.1:22", noService}, // does not watch forwarded connections
		{"10.77.0.1:443", 3}, {"10.55.0.2:443", noService},
		{"10.77.0.1:0", noService}, {"10.77.0.1:65535", noService},
	}
	for _, tt := range tests {
		to := netip.MustParseAddrPort(tt.to)
		if got := o.find(g, addressOf(to.Addr()), to.Port()); got != tt.want {
			t.Errorf("%s: service %d, want %d", tt.to, got, tt.want)
		}
	}
	if newOnward([]policy.Service{{Name: "ssh", Ports: ports(22)}}) != nil {
		t.Error("a policy without forwarded services makes conntrack be read")
	}
	everything := newOnward([]policy.Service{{Name: "all", Ports: []policy.PortRange{{First: 1, Last: 65535}}, Traffic: policy.Both}})
	if got := everything.find(g, addressOf(addrs("10.77.0.1")[0]), 65535); got != 0 {
		t.Errorf("the last port: service %d", got)
	}
}

// entry is an assured connection in ESTABLISHED.
func entry(from, to, replyFrom string, change ...func(*ctnetlink.Entry)) *ctnetlink.Entry {
	a, b, r := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to), netip.MustParseAddrPort(replyFrom)
	e := &ctnetlink.Entry{
		Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, State: ctnetlink.Established, Status: ctnetlink.SeenReply | ctnetlink.Assured,
		Original: ctnetlink.Tuple{Source: a.Addr().As16(), SourcePort: a.Port(), Destination: b.Addr().As16(), DestinationPort: b.Port()},
		Reply:    ctnetlink.Tuple{Source: r.Addr().As16(), SourcePort: r.Port(), Destination: a.Addr().As16(), DestinationPort: a.Port()},
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func TestCountForwarded(t *testing.T) {
	zone := func(e *ctnetlink.Entry) { e.Zone = 1 }
	opening := func(e *ctnetlink.Entry) { e.State, e.Status = ctnetlink.SynRecv, ctnetlink.SeenReply }
	over := func(e *ctnetlink.Entry) { e.State = ctnetlink.TimeWait }
	tests := []struct {
		name string
		e    *ctnetlink.Entry
		want string
	}{
		{"published port", entry("10.66.0.1:1", "10.77.0.1:8080", "10.55.0.2:80"), "shop: 10.66.0.1/32 1 0"},
		{"published port, IPv6", entry("[fd66::1:1]:1", "[fd77::1]:8080", "[fd55::2]:80"), "shop: fd66::/64 1 0"},
		{"half-open", entry("10.66.0.1:1", "10.77.0.1:8080", "10.55.0.2:80", opening), "shop: 10.66.0.1/32 0 1"},
		{"one container to another's published port", entry("10.55.0.3:1", "10.77.0.1:8080", "10.55.0.2:80"), "shop: 10.55.0.3/32 1 0"},
		{"routed", entry("10.66.0.1:1", "10.55.0.2:80", "10.55.0.2:80"), "behind: 10.66.0.1/32 1 0"},
		{"both kinds", entry("10.66.0.1:1", "10.77.0.1:443", "10.55.0.2:443"), "mixed: 10.66.0.1/32 1 0"},
		{"ends here", entry("10.66.0.1:1", "10.77.0.1:443", "10.77.0.1:443"), ""},
		{"redirected to a port of this host", entry("10.66.0.1:1", "10.77.0.1:443", "127.0.0.1:8443"), ""},
		{"the host's own to its published port", entry("10.77.0.1:1", "10.77.0.1:8080", "10.55.0.2:80"), ""},
		{"over lo", entry("127.0.0.1:1", "127.0.0.1:8080", "10.55.0.2:80"), ""},
		{"the host's own to elsewhere", entry("10.77.0.1:1", "10.88.0.2:8080", "10.88.0.2:8080"), ""},
		{"the container's own", entry("10.55.0.2:1", "10.88.0.2:8080", "10.88.0.2:8080"), ""},
		{"passing by", entry("10.66.0.1:1", "10.88.0.2:8080", "10.88.0.2:8080"), ""},
		{"another zone", entry("10.66.0.1:1", "10.77.0.1:8080", "10.55.0.2:80", zone), ""},
		{"over", entry("10.66.0.1:1", "10.77.0.1:8080", "10.55.0.2:80", over), ""},
		{"local service", entry("10.66.0.1:1", "10.77.0.1:22", "10.55.0.2:22"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tg, err := newTarget(&policy.Policy{Observe: policy.Observe{IPv6Source: 64, MaxSources: 10}, Services: forwardedServices()})
			if err != nil {
				t.Fatal(err)
			}
			c := &censor{totals: make([]total, 4), onward: tg.onward, grouping: newGrouping(tg, addrs("10.77.0.1", "fd77::1"))}
			c.tally.reset(4, 100)
			c.countForwarded(tt.e)
			c.batch.settle(&c.tally, c.grouping)
			census, err := c.result(tg, nil)
			if err != nil || census.Sockets != 1 {
				t.Fatalf("%+v, %v", census, err)
			}
			var got string
			for _, s := range census.Services {
				held := 0
				for _, from := range s.Sources {
					got += fmt.Sprintf("%s: %v %d %d", s.Service, from.Source, from.Held, from.HalfOpen)
					held += from.Held + from.HalfOpen
				}
				if s.Held+s.HalfOpen != held {
					t.Errorf("%s: %d held and %d half-open in all", s.Service, s.Held, s.HalfOpen)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestForwardedOnlyIsNotLocal: the listener of a service that watches forwarded connections only
// (a container engine may have one on each published port) is not the service's.
func TestForwardedOnlyIsNotLocal(t *testing.T) {
	for _, traffic := range []policy.Traffic{policy.Forwarded, policy.Both} {
		t.Run(traffic.String(), func(t *testing.T) {
			o := enter(t, web(func(p *policy.Policy) { p.Services[0].Traffic = traffic }))
			l := nstest.Listen(t, "[::]:80", 16)
			connect(t, l, 3, "10.66.0.1", server4+":80")
			want := policy.ServiceCensus{}
			if traffic == policy.Both {
				want = policy.ServiceCensus{Held: 3, Sources: []policy.SourceCensus{held("10.66.0.1/32", 3)}}
			}
			awaitCensus(t, o, want)
			if got := o.Tick().Listeners; len(got) != want.Held/3 {
				t.Errorf("listeners %+v", got)
			}
		})
	}
}

// blindObserver has no conntrack to read.
func blindObserver(t *testing.T, cause error, services ...policy.Service) *Observer {
	t.Helper()
	o := enter(t, web(func(p *policy.Policy) { p.Services = append(p.Services, services...) }))
	if err := o.census.forwarded.close(); err != nil {
		t.Fatal(err)
	}
	o.census.forwarded = forwarding{err: cause}
	return o
}

func TestForwardedWithoutConntrack(t *testing.T) {
	gone := fmt.Errorf("open conntrack: %w", ctnetlink.ErrNoConntrack)
	o := blindObserver(t, gone, forwardedServices()[0])
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	connect(t, l, 2, "10.66.0.1", server4+":80")
	c, err := o.Census(context.Background())
	if !c.Taken || !c.Complete || !errors.Is(err, errNoConntrack) || !errors.Is(err, ctnetlink.ErrNoConntrack) {
		t.Fatalf("census %+v: %v", c, err)
	}
	for _, word := range []string{"take census: ", `traffic = "local"`, "load nf_conntrack_netlink"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	if c.Services[0].Held != 2 || c.Services[1].Held != 0 {
		t.Errorf("services %+v", c.Services)
	}
	o.SetPolicy(web())
	if c := count(t, o); c.Services[0].Held != 2 {
		t.Errorf("services %+v", c.Services)
	}
}

func TestForwardedUnreadable(t *testing.T) {
	o := blindObserver(t, unix.EMFILE, forwardedServices()[0])
	if c, err := o.Census(context.Background()); !c.Taken || c.Complete || !errors.Is(err, unix.EMFILE) {
		t.Errorf("census taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
}

// TestForwardedFromTheTable counts connections that were put into the conntrack table, which no
// packet could bring there in such numbers or of such kinds.
func TestForwardedFromTheTable(t *testing.T) {
	o := enter(t, web(func(p *policy.Policy) { p.Services[0].Traffic = policy.Forwarded }))
	nstest.Assign(t, "10.77.0.1/32")
	const assured, established = 6, 3
	var flows []nstest.Flow
	for i := range 1000 {
		flows = append(flows, nstest.Flow{
			From: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 66, 0, byte(i % 10)}), uint16(1024+i)), To: netip.MustParseAddrPort("10.77.0.1:80"),
			ReplyFrom: netip.MustParseAddrPort("10.55.0.2:8000"), ReplyTo: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 66, 0, byte(i % 10)}), uint16(1024+i)),
			Status: assured, State: established})
	}
	zoned, loose := flows[0], flows[1]
	zoned.Zone = 1
	loose.From = netip.MustParseAddrPort("10.66.0.99:9")
	loose.ReplyTo, loose.Status = loose.From, 0
	nstest.Track(t, append(flows, zoned, loose)...)
	want := policy.ServiceCensus{Held: 1000, HalfOpen: 1}
	for i := range 10 {
		want.Sources = append(want.Sources, held(fmt.Sprintf("10.66.0.%d/32", i), 100))
	}
	want.Sources = append(want.Sources, policy.SourceCensus{Source: netip.MustParsePrefix("10.66.0.99/32"), HalfOpen: 1})
	awaitCensus(t, o, want)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if c, err := o.Census(ctx); !errors.Is(err, nlwire.ErrStopped) || c.Complete || !c.Taken {
		t.Errorf("canceled: taken %v, complete %v: %v", c.Taken, c.Complete, err)
	}
	if got := count(t, o).Services[0]; got.Held != 1000 || !slices.Equal(got.Sources, want.Sources) {
		t.Errorf("after a canceled one: %+v", got)
	}
}
