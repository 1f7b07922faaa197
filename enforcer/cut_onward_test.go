package enforcer

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nlwire"
	"ebbgate/policy"
)

// passed returns a forwarded connection as conntrack has it: assured, translated to a container. Its
// source port names it; left is how long conntrack will still wait for it.
func passed(from, to string, left time.Duration) *ctnetlink.Entry {
	a, b, c := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to), netip.MustParseAddrPort("10.55.0.2:80")
	e := &ctnetlink.Entry{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, State: ctnetlink.Established,
		Status: ctnetlink.SeenReply | ctnetlink.Assured, Timeout: left, ID: uint32(a.Port()) + 1,
		Original: ctnetlink.Tuple{Source: a.Addr().As16(), Destination: b.Addr().As16(), SourcePort: a.Port(), DestinationPort: b.Port()},
		Reply:    ctnetlink.Tuple{Source: c.Addr().As16(), Destination: a.Addr().As16(), SourcePort: c.Port(), DestinationPort: a.Port()}}
	if a.Addr().Is6() {
		e.Family, e.Reply.Source = unix.AF_INET6, netip.MustParseAddr("fd55::2").As16()
	}
	return e
}

// onward begins a cut of a service that is passed on from the host's address 10.77.0.1.
func onward(t *testing.T, d *policy.Decision, change func(*policy.Policy)) *cut {
	t.Helper()
	p := passing(policy.Forwarded, onePolicy(web()))
	if change != nil {
		change(p)
	}
	w := newCut(p, d)
	w.own = map[netip.Addr]bool{netip.MustParseAddr("10.77.0.1"): true}
	return w
}

// ports returns the source ports of flows.
func ports(list []*candidate) (ports []uint16) {
	for _, c := range list {
		ports = append(ports, c.flow.original.SourcePort)
	}
	return ports
}

func TestForwardedCandidates(t *testing.T) {
	block := func() *policy.Decision { return &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.0/16")}} }
	tests := []struct {
		name   string
		change func(*ctnetlink.Entry)
		policy func(*policy.Policy)
		want   bool
	}{
		{"a connection", nil, nil, true},
		{"on its way out", func(e *ctnetlink.Entry) { e.State = ctnetlink.FinWait }, nil, true},
		{"offloaded", func(e *ctnetlink.Entry) { e.State, e.Status = ctnetlink.None, e.Status|ctnetlink.Offload }, nil, true},
		{"not assured: anybody could have forged it", func(e *ctnetlink.Entry) { e.Status = ctnetlink.SeenReply }, nil, false},
		{"half-open", func(e *ctnetlink.Entry) { e.State = ctnetlink.SynRecv }, nil, false},
		{"over", func(e *ctnetlink.Entry) { e.State = ctnetlink.TimeWait }, nil, false},
		{"in a zone", func(e *ctnetlink.Entry) { e.Zone = 1 }, nil, false},
		{"not TCP", func(e *ctnetlink.Entry) { e.Protocol = unix.IPPROTO_UDP }, nil, false},
		{"without a name", func(e *ctnetlink.Entry) { e.ID = 0 }, nil, false},
		{"another port", func(e *ctnetlink.Entry) { e.Original.DestinationPort = 81 }, nil, false},
		{"to elsewhere", func(e *ctnetlink.Entry) { e.Original.Destination = netip.MustParseAddr("10.77.0.2").As16() }, nil, false},
		{"ends here", func(e *ctnetlink.Entry) { e.Reply.Source = netip.MustParseAddr("10.77.0.1").As16() }, nil, false},
		{"the host's own", func(e *ctnetlink.Entry) { e.Original.Source = netip.MustParseAddr("10.77.0.1").As16() }, nil, false},
		{"another source", func(e *ctnetlink.Entry) { e.Original.Source = netip.MustParseAddr("10.67.0.1").As16() }, nil, false},
		{"exempt", nil, func(p *policy.Policy) { p.Exempt.Prefixes = prefixes("10.66.0.1/32") }, false},
		{"local only", nil, func(p *policy.Policy) { p.Services[0].Traffic = policy.Local }, false},
		{"both", nil, func(p *policy.Policy) { p.Services[0].Traffic = policy.Both }, true},
		{"shadow", nil, func(p *policy.Policy) { p.Services[0].Mode = policy.Shadow }, false},
		{"a server's address, not named", func(e *ctnetlink.Entry) { e.Original.Destination = netip.MustParseAddr("10.55.0.2").As16() }, nil, false},
		{"a server's address, named", func(e *ctnetlink.Entry) { e.Original.Destination = netip.MustParseAddr("10.55.0.2").As16() },
			func(p *policy.Policy) { p.Services[0].Addresses = []netip.Addr{netip.MustParseAddr("10.55.0.2")} }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := passed("10.66.0.1:4000", "10.77.0.1:80", time.Hour)
			if tt.change != nil {
				tt.change(e)
			}
			w := onward(t, block(), tt.policy)
			w.tracked(e)
			if got := len(w.victims()) == 1; got != tt.want {
				t.Errorf("cut: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestForwardedChoice: those on which the client never said anything go first, where the kernel counts,
// then those that have been quiet longest; offloaded ones, of which nothing is known, go last.
func TestForwardedChoice(t *testing.T) {
	counted := func(e *ctnetlink.Entry, sent uint64) *ctnetlink.Entry { e.Counted, e.Sent = true, sent; return e }
	offloaded := passed("10.66.0.1:6", "10.77.0.1:80", 0)
	offloaded.State, offloaded.Status = ctnetlink.None, offloaded.Status|ctnetlink.Offload
	list := []*ctnetlink.Entry{
		passed("10.66.0.1:1", "10.77.0.1:80", 5*time.Hour),
		passed("10.66.0.1:2", "10.77.0.1:80", time.Hour),
		counted(passed("10.66.0.1:3", "10.77.0.1:80", 6*time.Hour), 2),
		counted(passed("10.66.0.1:4", "10.77.0.1:80", 30*time.Minute), 3),
		passed("10.66.0.1:5", "10.77.0.1:80", time.Hour),
		offloaded,
	}
	for range 5 {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		w := onward(t, &policy.Decision{Limits: []policy.Limit{over("10.66.0.1/32", 0)}}, nil)
		for _, e := range list {
			w.tracked(e)
		}
		// Port 6 is at no rest at all, and so would port 3 be: which is silent.
		if got := ports(w.victims()); !slices.Equal(got, []uint16{3, 4, 2, 5, 1, 6}) {
			t.Fatalf("order %v", got)
		}
	}
	w := onward(t, &policy.Decision{Limits: []policy.Limit{over("10.66.0.1/32", 4)}}, nil)
	for _, e := range list {
		w.tracked(e)
	}
	if got := ports(w.victims()); !slices.Equal(got, []uint16{3, 4}) {
		t.Errorf("beyond 4 of 6: %v", got)
	}
}

// TestSocketsAndFlowsCountTogether: a service for both kinds has one limit.
func TestSocketsAndFlowsCountTogether(t *testing.T) {
	w := onward(t, &policy.Decision{Limits: []policy.Limit{over("10.66.0.1/32", 5)}, Reliefs: []policy.Relief{relieved(0)}},
		func(p *policy.Policy) { p.Services[0].Traffic = policy.Both })
	w.doors[netip.MustParseAddrPort("0.0.0.0:80")] = true
	for i := range 4 {
		w.connection(incoming("10.66.0.1", i))
		w.tracked(passed(fmt.Sprintf("10.66.0.1:%d", 100+i), "10.77.0.1:80", time.Hour))
		w.tracked(passed(fmt.Sprintf("10.66.0.2:%d", 100+i), "10.77.0.1:80", time.Hour))
	}
	victims := w.victims()
	flows := len(slices.DeleteFunc(slices.Clone(victims), func(c *candidate) bool { return c.flow == nil }))
	if w.groups[0].held != 8 || len(victims) != 4 || flows != 0 {
		t.Errorf("%d held, %d to be closed, %d of them passed on; want 8, and 4 silent sockets", w.groups[0].held, len(victims), flows)
	}
}

// TestNamedAddressGoesFirst: a service of an address goes before one of all the host's.
func TestNamedAddressGoesFirst(t *testing.T) {
	named := web()
	named.Name, named.Addresses = "named", []netip.Addr{netip.MustParseAddr("10.77.0.1")}
	p := passing(policy.Forwarded, onePolicy(web(), named))
	b := blocked("10.66.0.1/32")
	other := b
	other.Service = "named"
	w := newCut(p, &policy.Decision{Blocks: []policy.Block{b, other}})
	w.own = map[netip.Addr]bool{netip.MustParseAddr("10.77.0.1"): true, netip.MustParseAddr("10.77.0.2"): true}
	for to, want := range map[string]string{"10.77.0.1:80": "named", "10.77.0.2:80": "web"} {
		if s := w.serving(netip.MustParseAddrPort(to)); s == nil || s.svc.Name != want {
			t.Errorf("%s is served by %+v, want %s", to, s, want)
		}
	}
}

// TestRefusals: what the kernel refuses for all sockets is asked for once a run and said once; what it
// refuses for one is said, and the rest goes on.
func TestRefusals(t *testing.T) {
	svc := &cutService{svc: &policy.Service{Name: "web"}}
	batch := func() []*candidate {
		var list []*candidate
		for i := range 4 {
			list = append(list, &candidate{service: svc, remote: netip.AddrFrom4([4]byte{10, 66, 0, byte(i)})})
		}
		return list
	}
	gone, busy := inetdiag.ErrGone, unix.EBUSY
	for _, tt := range []struct {
		name   string
		each   map[int]error
		whole  error
		closed int
		mute   bool
		want   string
	}{
		{"all closed", nil, nil, 4, false, ""},
		{"one gone", map[int]error{1: gone}, nil, 3, false, ""},
		{"one refused", map[int]error{1: gone, 2: busy}, nil, 2, false, `close a connection of 10.66.0.2 to "web": device or resource busy`},
		{"not in this kernel", map[int]error{0: inetdiag.ErrNoDestroy, 1: inetdiag.ErrNoDestroy, 2: inetdiag.ErrNoDestroy, 3: inetdiag.ErrNoDestroy}, nil, 0, true,
			"CONFIG_INET_DIAG_DESTROY"},
		{"not permitted", map[int]error{0: unix.EPERM, 1: unix.EPERM, 2: unix.EPERM, 3: unix.EPERM}, nil, 0, true, `connections of "web", which are refused but go on`},
		{"answers lost", nil, nlwire.ErrOverrun, 0, false, "lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := Closed{Counts: map[string]int{}}
			e := ending{bits: 64, out: &out, sources: map[endedSource]int{}}
			e.settle(batch(), gone, func(each func(int, error)) error {
				for _, i := range slices.Sorted(maps.Keys(tt.each)) {
					each(i, tt.each[i])
				}
				return tt.whole
			})
			err := errors.Join(e.errs...)
			if out.Counts["web"] != tt.closed || len(e.sources) != tt.closed || e.mute != tt.mute || (err == nil) != (tt.want == "") {
				t.Errorf("%d closed of %d sources, mute %v, %v", out.Counts["web"], len(e.sources), e.mute, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.want) || len(e.errs) != 1) {
				t.Errorf("said %q, want %q once", err, tt.want)
			}
		})
	}
}

// TestErrorsOfARunAreBounded: a kernel that refuses everything, one by one, does not fill the memory.
func TestErrorsOfARunAreBounded(t *testing.T) {
	e := ending{out: &Closed{Counts: map[string]int{}}, sources: map[endedSource]int{}}
	svc := &cutService{svc: &policy.Service{Name: "web"}}
	for range 50 {
		e.refuse(&candidate{service: svc, flow: &flow{}}, unix.EPERM)
		e.settle([]*candidate{{service: svc}}, inetdiag.ErrGone, func(func(int, error)) error { return nlwire.ErrTimeout })
	}
	if n := len(e.errs); n > maxRefusals+1 || e.mute {
		t.Errorf("%d errors, mute %v", n, e.mute)
	}
}

// TestProdsThatFail: no more are tried where none can be sent, and all where one could not.
func TestProdsThatFail(t *testing.T) {
	for err, want := range map[error]bool{nil: false, unix.EADDRINUSE: false, unix.EAFNOSUPPORT: true, unix.EPERM: true} {
		e := ending{closer: &Closer{prod: func(*flow) error { return err }}}
		for range 20 {
			e.tell(&candidate{service: &cutService{svc: &policy.Service{Name: "web"}}, flow: &flow{}})
		}
		if e.unfed != want || len(e.errs) > maxRefusals || (len(e.errs) > 0) != (err != nil) {
			t.Errorf("%v: unfed %v, %d errors", err, e.unfed, len(e.errs))
		}
	}
}

// TestProdsFromLowPortsThatFail: that they are not permitted is said once in all runs, and the others are
// tried.
func TestProdsFromLowPortsThatFail(t *testing.T) {
	tried := 0
	c := &Closer{prod: func(*flow) error { tried++; return fmt.Errorf("bind: %w", unix.EACCES) }}
	for run := range 3 {
		e := ending{closer: c}
		for range 5 {
			e.tell(&candidate{service: &cutService{svc: &policy.Service{Name: "web"}}, flow: &flow{}})
		}
		err := errors.Join(e.errs...)
		if e.unfed || (err != nil) != (run == 0) || len(e.errs) > 1 {
			t.Errorf("run %d: unfed %t, said %v", run, e.unfed, e.errs)
		}
		if run == 0 && !strings.Contains(fmt.Sprint(err), "CAP_NET_BIND_SERVICE") {
			t.Errorf("said %v", err)
		}
	}
	if tried != 15 {
		t.Errorf("%d prods were tried, want 15", tried)
	}
}

func TestFlowOrderIsTotal(t *testing.T) {
	var list []*flow
	for _, s := range []string{"10.66.0.1:1", "10.66.0.1:2", "10.66.0.2:1"} {
		for _, to := range []string{"10.77.0.1:80", "10.77.0.1:81"} {
			e := passed(s, to, 0)
			list = append(list, &flow{original: e.Original})
		}
	}
	list = append(list, nil)
	for i, a := range list {
		for j, b := range list {
			if got := a.compare(b); (got == 0) != (i == j) || got != -b.compare(a) {
				t.Errorf("%d and %d compare as %d", i, j, got)
			}
		}
	}
}
