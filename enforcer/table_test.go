package enforcer

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

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

	isListed(t, tb.Have().Ruleset, listed(t))
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
			isListed(t, tb.Have().Ruleset, listed(t))
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
	isListed(t, tb.Have().Ruleset, listed(t))
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
		if have := tb.Have().Ruleset; !have.Empty() {
			isListed(t, have, listed(t))
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
	tb := firstRun(t)
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
	tb.owned = false // as on a kernel that knows no ownership
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
	tb := resume(t, -1)
	apply(t, tb, onePolicy(web()), &policy.Decision{})
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if can := !oldKernel && nstest.Linux(t, 5, 12); tb.Owned() != can {
		t.Errorf("where somebody left a table behind it is ours: %t, want %t", tb.Owned(), can)
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
