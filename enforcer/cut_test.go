package enforcer

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func blocked(source string) policy.Block {
	return policy.Block{Service: "web", Source: netip.MustParsePrefix(source), Mode: policy.Enforce, Close: true}
}

func relieved(keep int) policy.Relief {
	return policy.Relief{Service: "web", Mode: policy.Enforce, Max: keep}
}

func (c *closing) cut(t *testing.T, p *policy.Policy, d *policy.Decision) Closed {
	t.Helper()
	closed, err := c.closer.Cut(p, d)
	if err != nil {
		t.Fatal(err)
	}
	if closed.Left != 0 {
		t.Errorf("%d connections left to close", closed.Left)
	}
	return closed
}

// party is a number of connections of one source and how many of them are to be left.
type party struct {
	name string
	from string
	n    int
	says bool
	left int
}

// attend opens the connections of all parties, cuts, and compares what is left.
func (c *closing) attend(t *testing.T, p *policy.Policy, d *policy.Decision, parties []party) Closed {
	t.Helper()
	pairs := make([][]pair, len(parties))
	for i, pt := range parties {
		to := "10.1.0.1"
		from := pt.from + ":0"
		if netip.MustParseAddr(pt.from).Is6() {
			to, from = "[fd01::1]", "["+pt.from+"]:0"
		}
		pairs[i] = c.connect(t, from, to, pt.n, pt.says)
	}
	closed := c.cut(t, p, d)
	for i, pt := range parties {
		if got := alive(pairs[i]); got != pt.left {
			t.Errorf("%s: %d of %d left, want %d", pt.name, got, pt.n, pt.left)
		}
	}
	return closed
}

func TestBlockedSourcesLoseEverything(t *testing.T) {
	c := openClosing(t, "[::]:0")
	p := c.policy()
	p.Exempt.Prefixes = prefixes("fd66::7/128")
	p.Services[0].Overrides = []policy.Override{{Prefix: netip.MustParsePrefix("10.66.3.128/25"), PerSource: 1000}}
	p.Services[0].Overrides = append(p.Services[0].Overrides, overrides("fd66::5/128", "fd66::6/128", "fd66::100/120")...)
	kept := blocked("10.66.9.0/24")
	kept.Close = false
	d := &policy.Decision{At: 100 * second,
		Blocks: []policy.Block{blocked("10.66.0.1/32"), blocked("10.66.3.0/24"), kept, blocked("fd66::/64"), blocked("fd66::6/128"), blocked("fd66:0:0:1::1/128")},
		Exempt: []policy.Exemption{
			{Prefix: netip.MustParsePrefix("10.66.3.3/32"), Service: "web", Until: 101 * second},
			{Prefix: netip.MustParsePrefix("10.66.3.4/32"), Service: "mail"},
			{Prefix: netip.MustParsePrefix("10.66.3.5/32"), Until: 99 * second},
			{Prefix: netip.MustParsePrefix("10.66.3.6/32")},
		},
	}
	closed := c.attend(t, p, d, []party{
		{"a source, silent or not", "10.66.0.1", 3, true, 0},
		{"another source", "10.66.0.2", 3, false, 3},
		{"within the prefix", "10.66.3.1", 2, true, 0},
		{"exempt from the service within it", "10.66.3.3", 2, false, 2},
		{"exempt from another service", "10.66.3.4", 2, false, 0},
		{"exempt until a moment ago", "10.66.3.5", 2, false, 0},
		{"exempt by the operator", "10.66.3.6", 2, false, 2},
		{"with limits of its own within it", "10.66.3.200", 2, false, 2},
		{"blocked, but nothing left to close when counted", "10.66.9.1", 2, false, 2},
		{"within the /64", "fd66::1", 3, true, 0},
		{"exempt within it", "fd66::7", 3, true, 3},
		{"with limits of its own within the /64", "fd66::5", 3, false, 3},
		{"blocked beside it, with limits of its own", "fd66::6", 2, true, 0},
		{"one of a prefix with limits of its own", "fd66::1ff", 2, true, 2},
		{"a single address", "fd66:0:0:1::1", 2, true, 0},
		{"its neighbour", "fd66:0:0:1::2", 2, true, 2},
	})
	want := Closed{Counts: map[string]int{"web": 16}, BySource: []SourceClosed{
		{"web", netip.MustParsePrefix("10.66.0.1/32"), 3},
		{"web", netip.MustParsePrefix("10.66.3.1/32"), 2},
		{"web", netip.MustParsePrefix("10.66.3.4/32"), 2},
		{"web", netip.MustParsePrefix("10.66.3.5/32"), 2},
		{"web", netip.MustParsePrefix("fd66::/64"), 5},
		{"web", netip.MustParsePrefix("fd66:0:0:1::/64"), 2},
	}}
	if diff := cmp.Diff(want, closed, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

// TestFinestPrefixFirst: what a source loses for its own limit is not asked of its prefix again, and
// the prefix then loses the connections with the least progress, whosever they are.
func TestFinestPrefixFirst(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	p := c.policy()
	p.Services[0].Overrides = []policy.Override{{Prefix: netip.MustParsePrefix("10.66.3.128/25"), PerSource: 1000}}
	d := &policy.Decision{Limits: []policy.Limit{over("10.66.0.0/16", 9), over("10.66.3.0/24", 6), over("10.66.3.1/32", 4)}}
	closed := c.attend(t, p, d, []party{
		{"over its limit", "10.66.3.1", 8, true, 4},
		{"silent in the same /24", "10.66.3.2", 4, false, 2},
		{"with limits of its own", "10.66.3.200", 5, false, 5},
		{"silent in the same /16", "10.66.4.1", 3, false, 3},
	})
	if closed.Counts["web"] != 6 {
		t.Errorf("closed %d, want 4 for the source and 2 for its /24", closed.Counts["web"])
	}
}

// TestAnAddressOfItsOwnIsNoPartOfItsSource: what an address with limits of its own holds excuses none
// of its neighbours' excess, and is none; its own limit closes what it holds beyond that.
func TestAnAddressOfItsOwnIsNoPartOfItsSource(t *testing.T) {
	p := onePolicy(web())
	p.Services[0].Overrides = overrides("2001:db8:9:1::5/128", "2001:db8:9:1::6/128")
	d := &policy.Decision{Limits: []policy.Limit{over("2001:db8:9:1::/64", 3), over("2001:db8:9:1::6/128", 4), over("2001:db8:9::/48", 2)}}
	w := newCut(p, d)
	w.doors[netip.MustParseAddrPort("[::]:80")] = true
	n := 0
	for _, from := range []struct {
		addr string
		held int
	}{{"2001:db8:9:1::5", 20}, {"2001:db8:9:1::6", 6}, {"2001:db8:9:1::7", 5}} {
		for range from.held {
			w.connection(incoming(from.addr, n))
			n++
		}
	}
	got := make(map[string]int)
	for _, v := range w.victims() {
		got[v.remote.String()]++
	}
	// The /64 holds 5 and loses 2; the /48 then holds 3 and loses one more.
	if diff := cmp.Diff(map[string]int{"2001:db8:9:1::6": 2, "2001:db8:9:1::7": 3}, got); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
	if w.services[0].held != n || w.groups[0].held != 5 {
		t.Errorf("%d held by the service and %d by the /64, want %d and 5", w.services[0].held, w.groups[0].held, n)
	}
}

func TestReliefClosesSilentConnectionsOnly(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	d := &policy.Decision{Reliefs: []policy.Relief{relieved(5)},
		Exempt: []policy.Exemption{{Prefix: netip.MustParsePrefix("10.66.0.9/32")}}}
	old := c.connect(t, "10.66.0.1:0", "10.1.0.1", 2, false)
	clock := time.Now()
	nstest.Await(t, "the first ones to be older", func() bool { return time.Since(clock) > 30*time.Millisecond })
	c.attend(t, c.policy(), d, []party{
		{"speaking", "10.66.0.2", 3, true, 3},
		{"silent and exempt", "10.66.0.9", 4, false, 4},
		{"silent and young", "10.66.0.3", 2, false, 2},
	})
	if n := alive(old); n != 0 {
		t.Errorf("%d of the longest silent ones left: of 7 that count, 2 were too many", n)
	}
	d.Reliefs = []policy.Relief{relieved(0)}
	if closed := c.cut(t, c.policy(), d); closed.Counts["web"] != 2 {
		t.Errorf("closed %d, want the 2 silent ones and nobody who spoke", closed.Counts["web"])
	}
}

func TestAllAnswersAtOnce(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	d := &policy.Decision{
		Blocks:  []policy.Block{blocked("10.66.0.1/32")},
		Limits:  []policy.Limit{over("10.66.0.0/24", 6), over("10.66.0.1/32", 1)},
		Reliefs: []policy.Relief{relieved(7)},
	}
	closed := c.attend(t, c.policy(), d, []party{
		{"blocked, and counted in no prefix", "10.66.0.1", 5, false, 0},
		{"in a limited prefix", "10.66.0.2", 8, true, 6},
		{"silent elsewhere", "10.66.1.1", 3, false, 1},
	})
	if closed.Counts["web"] != 9 {
		t.Errorf("closed %d, want 5, 2 and 2", closed.Counts["web"])
	}
}

// TestAdministratorsKeepTheirSessions: on sshd's port, even in a blocked prefix.
func TestAdministratorsKeepTheirSessions(t *testing.T) {
	c := openClosing(t, "0.0.0.0:0")
	d := &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.0/24")},
		SSH: policy.SSH{Ports: []uint16{c.port}, Admins: []netip.Addr{netip.MustParseAddr("10.66.0.1")}}}
	c.attend(t, c.policy(), d, []party{{"administrator", "10.66.0.1", 3, true, 3}, {"neighbour", "10.66.0.2", 3, true, 0}})
	d.SSH.Ports = []uint16{c.port + 1}
	if closed := c.cut(t, c.policy(), d); closed.Counts["web"] != 3 {
		t.Errorf("closed %d of 3 on a port that is not sshd's", closed.Counts["web"])
	}
}

func TestCutLeavesAlone(t *testing.T) {
	c := openClosing(t, "[::]:0")
	shadow, forwarded := c.policy(), c.policy()
	shadow.Services[0].Mode = policy.Shadow
	forwarded.Services[0].Traffic = policy.Forwarded
	all := func(mode policy.Mode) *policy.Decision {
		d := &policy.Decision{Blocks: []policy.Block{blocked("10.66.0.1/32")}, Limits: []policy.Limit{over("10.66.0.0/24", 0)}, Reliefs: []policy.Relief{relieved(0)}}
		d.Blocks[0].Mode, d.Limits[0].Mode, d.Reliefs[0].Mode = mode, mode, mode
		return d
	}
	pairs := c.connect(t, "10.66.0.1:0", "10.1.0.1", 3, false)
	host := c.connect(t, "10.1.0.1:0", "10.1.0.1", 3, false)
	for _, tt := range []struct {
		name string
		p    *policy.Policy
		d    *policy.Decision
	}{
		{"shadow in the policy", shadow, all(policy.Enforce)}, {"shadow in the decision", c.policy(), all(policy.Shadow)},
		{"forwarded only", forwarded, all(policy.Enforce)}, {"nothing asked", c.policy(), &policy.Decision{}},
	} {
		if closed := c.cut(t, tt.p, tt.d); len(closed.Counts) != 0 || closed.BySource != nil {
			t.Errorf("%s: closed %+v", tt.name, closed)
		}
	}
	d := all(policy.Enforce)
	d.Blocks = append(d.Blocks, blocked("10.1.0.1/32"))
	c.cut(t, c.policy(), d)
	if theirs, ours := alive(pairs), alive(host); theirs != 0 || ours != 3 {
		t.Errorf("%d of the blocked source's and %d of the host's own left, want 0 and 3", theirs, ours)
	}
}
