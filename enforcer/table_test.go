package enforcer

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// open returns a Table in a network namespace of the test's own.
func open(t *testing.T) *Table {
	t.Helper()
	nstest.Enter(t)
	return reopen(t)
}

// lacks skips what cannot be tested on a kernel without something. Where the environment has CI set that is a
// failure, but in the build that does without on purpose.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" && !oldKernel {
		t.Fatalf("this kernel does not know %s", what)
	}
	t.Skipf("this kernel does not know %s", what)
}

// owning is open where the kernel guards the table.
func owning(t *testing.T) *Table {
	t.Helper()
	tb := open(t)
	if !tb.Owned() {
		lacks(t, "table ownership (Linux 5.12)")
	}
	return tb
}

func reopen(t *testing.T) *Table {
	t.Helper()
	tb, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return tb
}

// apply makes a decision hold and returns the plan that did it.
func apply(t *testing.T, tb *Table, p *policy.Policy, d *policy.Decision) Plan {
	t.Helper()
	plan := Diff(tb.Have(), Compile(p, d, tb.Environment()), boottime.Now())
	if err := tb.Apply(plan); err != nil {
		t.Fatalf("%v\n%s", err, plan.String())
	}
	return plan
}

// nft runs the nft tool in the test's namespace and returns what it printed.
func nft(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

var (
	timesAndCounts = regexp.MustCompile(` timeout \S+| expires \S+|\t+packets \d+ bytes \d+\n| ?# .*|\t+flags owner\n|\t+flags owner,?|; policy accept;`)
	wrapped        = regexp.MustCompile(`,\n\t+ *`)
)

// normal makes our listing and nft's comparable: without times, counts, and nft's line breaks. nft
// lists elements in no order of its own, so they are sorted.
func normal(s string) []string {
	s = wrapped.ReplaceAllString(s, ", ")
	s = timesAndCounts.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, " == @", " @")
	s = strings.ReplaceAll(s, "tcp flags syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == syn")
	s = strings.ReplaceAll(s, "tcp flags != syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) != syn")
	s = strings.ReplaceAll(s, "tcp flags ack / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == ack")
	// nft lists counters in the order in which they were made, so the table's opening line must not
	// stick to the first.
	s = strings.Replace(s, "table inet "+TableName+" {\n", "table\n\t}\n", 1)
	var blocks []string
	for _, block := range strings.Split(s, "\n\t}\n") {
		var lines []string
		for _, l := range strings.Split(block, "\n") {
			if l = strings.TrimSpace(l); l == "" {
				continue
			}
			if rest, ok := strings.CutPrefix(l, "elements = { "); ok {
				l = sortedElements(rest)
			}
			lines = append(lines, l)
		}
		blocks = append(blocks, strings.Join(lines, "\n"))
	}
	return sorted(blocks)
}

func TestApplyReadsBackAsWritten(t *testing.T) {
	tb := open(t)
	shadow, smtp := web(), web()
	shadow.Name, shadow.Mode, shadow.Ports = "shadowed", policy.Shadow, []policy.PortRange{{First: 443, Last: 443}}
	smtp.Name, smtp.Ports, smtp.Response.RefuseWith = "smtp", []policy.PortRange{{First: 25, Last: 25}}, policy.Drop
	p := onePolicy(web(), shadow, smtp)
	p.Exempt.Prefixes = prefixes("10.0.0.0/8", "192.0.2.10/32", "2001:db8:1::/48", "255.255.255.255/32")
	now := boottime.Now()
	d := flood("web", now+30*second)
	d.Limits = append(d.Limits, limit("shadowed", "198.51.100.8/32", true, now+30*second), limit("smtp", "198.51.100.9/32", true, now+30*second))
	apply(t, tb, p, d)

	got := normal(nft(t, "-y", "list", "table", "inet", TableName))
	have := tb.Have().Ruleset
	if diff := cmp.Diff(normal(have.Format(now)), got); diff != "" {
		t.Errorf("nft lists something else (-ours +nft):\n%s", diff)
	}
	if again := Diff(tb.Have(), Compile(p, d, tb.Environment()), boottime.Now()); !again.Empty() {
		t.Errorf("a second apply would send:\n%s", again.String())
	}
}

// TestEveryAnswerReadsBackAsWritten: the kernel takes every rule and set there is, in both modes.
func TestEveryAnswerReadsBackAsWritten(t *testing.T) {
	for _, mode := range []policy.Mode{policy.Enforce, policy.Shadow} {
		t.Run(mode.String(), func(t *testing.T) {
			tb := open(t)
			p := prefixed()
			p.Services[0].Mode = mode
			now := boottime.Now()
			apply(t, tb, p, flood("web", now+30*second))
			apply(t, tb, p, ladder(now))
			got := normal(nft(t, "-y", "list", "table", "inet", TableName))
			have := tb.Have().Ruleset
			if diff := cmp.Diff(normal(have.Format(now)), got); diff != "" {
				t.Errorf("nft lists something else (-ours +nft):\n%s", diff)
			}
			if again := Diff(tb.Have(), Compile(p, ladder(now), tb.Environment()), boottime.Now()); !again.Empty() {
				t.Errorf("a second apply would send:\n%s", again.String())
			}
		})
	}
}

// TestExemptionsChangeInTheKernel: the kernel refuses ranges that overlap, and takes every change from
// one random list to the next, with the ones at the ends of the address space.
func TestExemptionsChangeInTheKernel(t *testing.T) {
	tb := open(t)
	p := prefixed()
	edges := prefixes("0.0.0.0/0", "255.255.255.255/32", "::/0", "ffff::/16", "0.0.0.0/32", "10.0.0.0/24", "10.0.0.32/27")
	rng := rand.New(rand.NewPCG(1, 3))
	for range 200 {
		d := ladder(boottime.Now())
		d.Exempt = randomExemptions(rng, p)
		for _, e := range edges {
			if rng.IntN(4) == 0 {
				d.Exempt = append(d.Exempt, policy.Exemption{Prefix: e})
			}
		}
		d.SSH.Ports = []uint16{22, uint16(22 + rng.IntN(3)), uint16(65534 + rng.IntN(2))}
		first := !tb.Have().Present
		if plan := apply(t, tb, p, d); plan.Replaces() && !first {
			t.Fatal("the table is replaced")
		}
	}
	have := tb.Have().Ruleset
	now := boottime.Now()
	if diff := cmp.Diff(normal(have.Format(now)), normal(nft(t, "-y", "list", "table", "inet", TableName))); diff != "" {
		t.Errorf("nft lists something else (-ours +nft):\n%s", diff)
	}
}

// TestEveryChangeIsTakenByTheKernel goes from one random decision to the next, and from one policy to
// the next: what holds in the Fake must hold in the kernel.
func TestEveryChangeIsTakenByTheKernel(t *testing.T) {
	tb := open(t)
	rng := rand.New(rand.NewPCG(5, 3))
	for range 20 {
		p := randomPolicy(rng)
		for range 5 {
			apply(t, tb, p, randomDecision(rng, p, boottime.Now()+300*second))
		}
		have := tb.Have().Ruleset
		now := boottime.Now()
		if have.Empty() {
			continue
		}
		if diff := cmp.Diff(normal(have.Format(now)), normal(nft(t, "-y", "list", "table", "inet", TableName))); diff != "" {
			t.Fatalf("nft lists something else (-ours +nft):\n%s", diff)
		}
	}
}

func TestPeaceHasNoTable(t *testing.T) {
	tb := open(t)
	p := onePolicy(web())
	apply(t, tb, p, &policy.Decision{})
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Fatalf("ruleset in peace:\n%s", got)
	}
	apply(t, tb, p, flood("web", boottime.Now()+30*second))
	apply(t, tb, p, &policy.Decision{})
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("ruleset after the last lease:\n%s", got)
	}
}

func TestLeasesEndByThemselves(t *testing.T) {
	tb := open(t)
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+second))
	nstest.Await(t, "every leased element to expire", func() bool {
		return !strings.Contains(nft(t, "list", "table", "inet", TableName), "timeout ")
	})
	listing := nft(t, "list", "table", "inet", TableName)
	if !strings.Contains(listing, "flags timeout") || strings.Contains(listing, "198.51.100.7") {
		t.Errorf("the table should stand empty of sources:\n%s", listing)
	}
}

func TestRenewalReachesTheKernel(t *testing.T) {
	tb := open(t)
	p := onePolicy(web())
	apply(t, tb, p, flood("web", boottime.Now()+5*second))
	plan := apply(t, tb, p, flood("web", boottime.Now()+300*second))
	if plan.Empty() {
		t.Fatal("nothing was sent")
	}
	left := regexp.MustCompile(`198\.51\.100\.7 timeout (\S+) expires`).FindStringSubmatch(
		nft(t, "list", "set", "inet", TableName, "web_refuse4"))
	if left == nil {
		t.Fatal("the source is not in the set any more")
	}
	d, err := time.ParseDuration(strings.Replace(left[1], "m", "m", 1))
	if err != nil || d < 290*time.Second {
		t.Errorf("timeout is %q, want about 5m", left[1])
	}
}

func TestTheTableGoesWithItsSocket(t *testing.T) {
	nstest.Enter(t)
	tb, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if !tb.Owned() {
		lacks(t, "table ownership (Linux 5.12)")
	}
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	if out, err := exec.Command("nft", "delete", "table", "inet", TableName).CombinedOutput(); err == nil {
		t.Errorf("somebody else could delete our table: %s", out)
	}
	nft(t, "flush", "ruleset")
	if c, err := tb.Look(true); err != nil || c.Lost {
		t.Errorf("after a flush by others: %+v, %v; want the table still there", c, err)
	}
	if err := tb.close(); err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "the table to vanish with its socket", func() bool { return nft(t, "list", "ruleset") == "" })
}

func TestALostTableIsNoticedAndRebuilt(t *testing.T) {
	tb := open(t)
	tb.table.Flags = 0 // as on a kernel that knows no ownership
	p := onePolicy(web())
	apply(t, tb, p, flood("web", boottime.Now()+300*second))
	if c, err := tb.Look(true); err != nil || c != (Change{}) {
		t.Fatalf("our own transaction is taken for somebody's: %+v, %v", c, err)
	}
	nft(t, "flush", "ruleset")
	c, err := tb.Look(true)
	if err != nil || !c.Lost {
		t.Fatalf("Look = %+v, %v; want Lost", c, err)
	}
	apply(t, tb, p, flood("web", boottime.Now()+300*second))
	if got := nft(t, "list", "set", "inet", TableName, "web_refuse4"); !strings.Contains(got, "198.51.100.7") {
		t.Errorf("the source is not refused again:\n%s", got)
	}
}

func TestWhatAnEarlierRunLeftIsReplaced(t *testing.T) {
	nstest.Enter(t)
	nft(t, "add table inet "+TableName+"; add set inet "+TableName+" web_refuse4 { type ipv4_addr; }")
	tb := reopen(t)
	apply(t, tb, onePolicy(web()), &policy.Decision{})
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if tb.Owned() == oldKernel {
		t.Error("what somebody left behind keeps us from owning the table")
	}
}

func TestASecondOwnerIsRefused(t *testing.T) {
	tb := open(t)
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	second, err := Open()
	if !errors.Is(err, ErrTableHeld) {
		t.Errorf("Open beside a living owner: %v, want ErrTableHeld", err)
	}
	if err == nil {
		_ = second.Close()
	}
}
