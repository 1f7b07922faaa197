package enforcer

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// TestOthersBeginToTrack: connections with a socket here that are older than conntrack's use are not known
// to it. Those of a source at its limit go on all the same (P7), though the service is passed on as well.
func TestOthersBeginToTrack(t *testing.T) {
	f := newField(t)
	p := fieldPolicy()
	p.Services[0].Traffic = policy.Both
	p.Services[0].Connections.CloseExcess = true
	var conns []net.Conn
	for range 5 {
		c, err := f.dial(t, netip.MustParseAddr("10.66.0.1"), netip.AddrPortFrom(lab.VictimV4(), 80))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		conns = append(conns, c)
	}
	d := &policy.Decision{At: boottime.Now(), Limits: []policy.Limit{limit("web", "10.66.0.1/32", true, boottime.Now()+300*second)}}
	apply := func(env Environment) {
		t.Helper()
		if err := f.lab.Victim.Do(func() error { return f.table.Apply(Diff(f.table.Have(), Compile(p, d, env), boottime.Now())) }); err != nil {
			t.Fatal(err)
		}
	}
	apply(Environment{})
	f.nft(t, "add table ip other; add chain ip other in { type filter hook input priority 0; }; add rule ip other in ct state established,related accept")
	apply(Environment{OthersTrack: true})
	for i, c := range conns {
		if err := request(t, c, 5*time.Second); err != nil {
			t.Errorf("allowed connection %d of a source at its limit: %v", i+1, err)
		}
	}
}

// TestLostConnectionsGoOn: what conntrack loses in another way than by our hand goes on, be its source at
// its limit and its excess just cut. What was cut stays so.
func TestLostConnectionsGoOn(t *testing.T) {
	for _, tt := range passages {
		t.Run(tt.name, func(t *testing.T) {
			p := newPassage(t, tt.to, tt.addresses)
			theirs := p.open(t, tt.from, 6)
			l := over(tt.source, 4)
			l.Refuse, l.Until = true, boottime.Now()+60*second
			if closed := p.cut(t, &policy.Decision{Limits: []policy.Limit{l}}); closed.Counts["web"] != 2 {
				t.Fatalf("closed %+v, want 2", closed)
			}
			p.inside(t, func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
			if n := p.tracked(t, tt.from); n != 0 {
				t.Fatalf("conntrack knows %d connections after it was flushed", n)
			}
			answered := 0
			for _, c := range theirs {
				if ask(c, 5*time.Second) == nil {
					answered++
				}
			}
			if answered != 4 {
				t.Errorf("%d connections were answered, want the 4 that were not cut", answered)
			}
		})
	}
}

// TestWithoutAMarkNothingIsCut: where our rules take no marks, connections are left as they are, told as
// left, and the kernel's word is told unless it is that there are no such rules.
func TestWithoutAMarkNothingIsCut(t *testing.T) {
	full := errors.New("full")
	for _, tt := range []struct {
		name   string
		answer error
		want   error
	}{{"refused", full, full}, {"no rules", ErrNotAnswered, nil}} {
		t.Run(tt.name, func(t *testing.T) {
			w := passages[0]
			p := newPassage(t, w.to, w.addresses)
			theirs, asked := p.open(t, w.from, 5), 0
			p.closer.mark = func([]netip.AddrPort) error { asked++; return tt.answer }
			p.closer.batch = 2
			l := over(w.source, 1)
			l.Refuse, l.Until = true, boottime.Now()+60*second
			var closed Closed
			var err error
			p.inside(t, func() error {
				closed, err = p.closer.Cut(p.policy, &policy.Decision{At: boottime.Now(), Limits: []policy.Limit{l}})
				return nil
			})
			if closed.Counts["web"] != 0 || closed.Left != 4 || asked != 1 || !errors.Is(err, tt.want) {
				t.Errorf("closed %+v, %d questions, %v; want 4 left after one, and %v", closed, asked, err, tt.want)
			}
			for _, c := range theirs {
				if err := ask(c, 5*time.Second); err != nil {
					t.Errorf("a connection that was left: %v", err)
				}
			}
		})
	}
}
