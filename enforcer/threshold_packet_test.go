package enforcer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// thresholdDecision blocks, refuses, watches and meters, under a policy of matrixPolicy's kind.
func thresholdDecision(at policy.Instant, rate int) *policy.Decision {
	d := &policy.Decision{At: at}
	d.Limits = []policy.Limit{group("web", "10.66.0.1/32", true, at+300*second)}
	d.Watched = []policy.Watched{
		{Service: "web", Source: netip.MustParsePrefix("10.66.0.2/32"), Mode: policy.Enforce, Until: at + 300*second},
		{Service: "web", Source: netip.MustParsePrefix("fd66:0:0:1::/64"), Mode: policy.Enforce, Until: at + 300*second}}
	d.Blocks = []policy.Block{{Service: "web", Source: netip.MustParsePrefix("10.66.7.0/24"), Mode: policy.Enforce, Since: at, Until: at + 3600*second}}
	d.Meters = []policy.Meter{{Service: "web", Max: rate, Until: at + 300*second}}
	return d
}

// blockedFor is how the kernel shows the block: its timeout from when it was added.
var blockedFor = regexp.MustCompile(`10\.66\.7\.0 timeout (\S+)`)

// TestThresholdsChange: under a new policy only what it says changes. Blocks go on as they were made,
// counters count on, and nothing older is cut. Where the kernel's count of connections stays, it goes on
// from what sources hold; where it is made anew, for another limit or other ports, it begins with what
// conntrack first sees from then on: here what they open, as it knows the others. A census tells the rest.
func TestThresholdsChange(t *testing.T) {
	const rate = 1000
	tests := []struct {
		name    string
		change  func(*policy.Service)
		rate    int
		more    int  // connections that open for a source which holds matrixLimit
		silent  bool // the refused one gets no answer
		refused uint16
	}{
		{"a higher limit", func(s *policy.Service) { s.Connections.PerSource = matrixLimit + 4 }, rate, matrixLimit + 4, false, 80},
		{"a lower limit", func(s *policy.Service) { s.Connections.PerSource = matrixLimit - 1 }, rate, matrixLimit - 1, false, 80},
		{"another SYN rate", func(*policy.Service) {}, rate / 2, 0, false, 80},
		{"another verdict", func(s *policy.Service) { s.Response.RefuseWith = policy.Drop }, rate, 0, true, 80},
		{"another port", func(s *policy.Service) { s.Ports = append(s.Ports, policy.PortRange{First: 443, Last: 443}) }, rate, matrixLimit, false, 443},
		{"another prefix length", func(s *policy.Service) { s.Connections.PerPrefix = nil }, rate, 0, false, 80},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newField(t)
			p, at := matrixPolicy(), boottime.Now()
			p.Services[0].Ports = p.Services[0].Ports[:1]
			f.apply(t, p, thresholdDecision(at, rate))
			live := f.upTo(t, "10.66.0.2", 80, matrixLimit)
			six := f.upTo(t, "fd66:0:0:1::1", 80, matrixLimit)
			if len(live) != matrixLimit || len(six) != matrixLimit {
				t.Fatalf("%d and %d connections opened, want the limit", len(live), len(six))
			}
			for _, from := range []string{"10.66.0.1", "10.66.7.1"} {
				if n := f.open(t, from, 80, 2); n != 0 {
					t.Fatalf("%s is not turned away", from)
				}
			}
			before, block := f.packets(t), blockedFor.FindString(f.nft(t, "list", "set", "inet", TableName, "web_block4p24"))
			if before["web_held"] != 4 || before["web_refused"] != 2 || before["web_blocked"] != 2 || before["web_syns"] == 0 || block == "" {
				t.Fatalf("before: %v, block %q", before, block)
			}

			tt.change(&p.Services[0])
			plan := Diff(f.table.Have(), Compile(p, thresholdDecision(at, tt.rate), Environment{}), boottime.Now())
			if err := f.table.Apply(plan); err != nil || plan.Replaces() || plan.Empty() {
				t.Fatalf("replaces the table: %t, %v\n%s", plan.Replaces(), err, plan.String())
			}
			f.checkSurvived(t, before, block)
			for _, c := range append(live, six...) {
				if err := request(t, c, patience); err != nil {
					t.Errorf("an older connection is cut: %v", err)
				}
			}
			for _, from := range []string{"10.66.0.2", "fd66:0:0:1::2"} {
				if n := len(f.upTo(t, from, 80, tt.more)); n != tt.more {
					t.Errorf("%s: %d more connections opened beside %d, want %d", from, n, matrixLimit, tt.more)
				}
			}
			f.checkRefused(t, tt.refused, tt.silent, before["web_refused"])
		})
	}
}

// upTo tries to open as many connections as should open and two more, and returns those that open.
func (f *field) upTo(t *testing.T, from string, port uint16, should int) []net.Conn {
	t.Helper()
	to := lab.VictimV4()
	if netip.MustParseAddr(from).Is6() {
		to = lab.VictimV6()
	}
	var open []net.Conn
	for i := range should + 2 {
		within := patience
		if i >= should {
			within = 10 * unanswered
		}
		c, err := f.try(t, f.lab.Attackers, netip.MustParseAddr(from), netip.AddrPortFrom(to, port), within)
		if err == nil {
			open = append(open, c)
		}
	}
	return open
}

// checkSurvived checks that no counter fell back, and that the block is the one that was made.
func (f *field) checkSurvived(t *testing.T, before map[string]uint64, block string) {
	t.Helper()
	now := f.packets(t)
	for name, n := range before {
		if now[name] < n {
			t.Errorf("counter %s fell from %d to %d", name, n, now[name])
		}
	}
	if got := blockedFor.FindString(f.nft(t, "list", "set", "inet", TableName, "web_block4p24")); got != block {
		t.Errorf("the block is %q, and was %q", got, block)
	}
	if n := f.open(t, "10.66.7.1", 80, 1); n != 0 {
		t.Error("the block does not hold")
	}
}

// checkRefused checks that a source is refused as the new policy says, and counted beside the others.
func (f *field) checkRefused(t *testing.T, port uint16, silent bool, before uint64) {
	t.Helper()
	want, within := error(unix.ECONNREFUSED), patience
	if silent {
		want, within = context.DeadlineExceeded, 10*unanswered
	}
	_, err := f.try(t, f.lab.Attackers, netip.MustParseAddr("10.66.0.1"), netip.AddrPortFrom(lab.VictimV4(), port), within)
	if !errors.Is(err, want) {
		t.Errorf("a refused source met with %v, want %v", err, want)
	}
	nstest.Await(t, "it to be counted", func() bool { return f.packets(t)["web_refused"] == before+1 })
}
