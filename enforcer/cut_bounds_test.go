package enforcer

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// TestBlocksComeFirstInTheBudget stops the clock after three connections.
func TestBlocksComeFirstInTheBudget(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	var limited, others []pair
	limited = c.connect(t, "10.66.0.1:0", "10.1.0.1", 4, false)
	others = c.connect(t, "10.66.0.2:0", "10.1.0.1", 3, true)
	asked := 0
	begin := time.Now()
	c.closer.batch = 1
	c.closer.now = func() time.Time {
		if asked++; asked > 4 { // the first question is for the beginning
			return begin.Add(2 * closeBudget)
		}
		return begin
	}
	closed, err := c.closer.Cut(c.policy(), &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.2/32")}, Limits: []policy.Limit{over("10.66.0.1/32", 0)}})
	if err != nil {
		t.Fatal(err)
	}
	if closed.Counts["web"] != 3 || closed.Left != 4 || alive(others) != 0 || alive(limited) != 4 {
		t.Errorf("closed %+v; %d blocked and %d limited ones left, want 0 and 4", closed, alive(others), alive(limited))
	}
}

// TestCandidatesAreBounded gives room to blocked connections first.
func TestCandidatesAreBounded(t *testing.T) {
	p := onePolicy(web())
	d := &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.2/32")}, Limits: []policy.Limit{over("10.66.0.1/32", 5), over("10.66.0.0/24", 5)}}
	w := newCut(p, d)
	w.doors[netip.MustParseAddrPort("0.0.0.0:80")] = true
	for i := range maxCandidates + 10 {
		w.connection(incoming("10.66.0.1", i))
	}
	for i := range 100 {
		w.connection(incoming("10.66.0.2", i))
	}
	if len(w.blocked) != 100 || len(w.others) != maxCandidates-100 || len(w.members) != 2*len(w.others) || w.groups[0].held != maxCandidates+10 {
		t.Errorf("%d blocked and %d others with %d memberships; %d counted", len(w.blocked), len(w.others), len(w.members), w.groups[0].held)
	}
	victims := w.victims()
	if len(victims) != maxCandidates || victims[0].remote != netip.MustParseAddr("10.66.0.2") {
		t.Errorf("%d victims, the first one %v", len(victims), victims[0].remote)
	}
}

func TestHeaviestSourcesAreKept(t *testing.T) {
	var list []SourceClosed
	for i := range 20 {
		list = append(list, SourceClosed{"web", netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/32", 20-i)), i % 10})
	}
	got := heaviest(list, 4)
	want := []string{"10.0.0.1/32", "10.0.0.11/32", "10.0.0.12/32", "10.0.0.2/32"}
	var names []string
	for _, s := range got {
		names = append(names, s.Source.String())
	}
	if diff := cmp.Diff(want, names, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// incoming returns a connection to port 80; n names it.
func incoming(from string, n int) *inetdiag.Socket {
	s := &inetdiag.Socket{Family: unix.AF_INET, State: inetdiag.Established, LocalPort: 80, RemotePort: uint16(n), Inode: 1,
		LocalAddr: netip.MustParseAddr("10.1.0.1").As16(), RemoteAddr: netip.MustParseAddr(from).As16(), HasInfo: true}
	if netip.MustParseAddr(from).Is6() {
		s.Family, s.LocalAddr = unix.AF_INET6, netip.MustParseAddr("2001:db8::1").As16()
	}
	s.ID[0], s.ID[1], s.ID[2] = byte(n>>16), byte(n>>8), byte(n)
	return s
}
