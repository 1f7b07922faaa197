package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

const (
	// fairnessEnv is for how long TestFairness lets each attack go on.
	fairnessEnv = "EBBGATE_FAIRNESS"
	// fairnessShort is how long it does that as a part of every test run: enough for an answer to begin.
	fairnessShort = 3 * time.Second
	// fairnessRequests is how many requests a second the innocent make, of both families.
	fairnessRequests = 50
	// fairnessSettled is how long all requests must be served until clients count as served again.
	fairnessSettled = time.Second
)

// fairness is how the innocent fared in one attack.
type fairness struct {
	kind    string
	length  time.Duration
	until   time.Duration // from the onset until they were served again; 0: their service was not interrupted
	onset   lab.Span      // requests until then
	after   lab.Span      // and from then on, while the attack went on
	again   int           // how often their service was interrupted again in that time
	rest    lab.Span      // of those, requests after the last attacker was blocked and they were served again
	blamed  []netip.Addr  // innocent sources that were limited, refused or blocked, or named by an event
	guilty  int           // attacking ones, at the most at once
	curable bool          // there is somebody to be held off
}

// TestFairness lets every kind of attack of the demo loose beside clients who behave, and counts which of
// their requests failed once the attack was answered, and who of them was ever held responsible: nobody.
func TestFairness(t *testing.T) {
	t.Parallel()
	length := fairnessShort
	if text := os.Getenv(fairnessEnv); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil || length < fairnessShort {
			t.Fatalf("%s is %q, must be a duration of %v or more", fairnessEnv, text, fairnessShort)
		}
	}
	var mu sync.Mutex
	rows := make(map[string]fairness)
	scenes := demo.Scenes(20_000)
	t.Run("kind", func(t *testing.T) {
		for _, scene := range scenes {
			t.Run(scene.Name(), func(t *testing.T) {
				f := newFairPlay(t, scene).play(length)
				mu.Lock()
				rows[f.kind] = f
				mu.Unlock()
				if len(f.blamed) > 0 {
					t.Errorf("innocent sources were held responsible: %v", f.blamed)
				}
				// A short play may end before its first second without a failure.
				if length > fairnessShort {
					f.judge(t)
				}
			})
		}
	})
	var list []fairness
	for _, scene := range scenes {
		if f, ok := rows[scene.Name()]; ok {
			list = append(list, f)
		}
	}
	t.Logf("how the innocent fared:\n%s", fairnessTable(list))
}

// judge checks that an attack that was answered troubles nobody any more.
func (f fairness) judge(t *testing.T) {
	t.Helper()
	switch {
	case !f.curable:
	case policy.Kind(f.kind) == policy.Churn:
		// A refused churner opens nothing, so only what he does when let in again tells whether he goes on. Then he
		// is blocked for minutes.
		if f.rest.Succeeded == 0 || f.rest.Failed*100 > f.rest.Succeeded {
			t.Errorf("%d requests failed after all attackers were blocked, %d were served", f.rest.Failed, f.rest.Succeeded)
		}
	case f.after.Failed*100 > f.after.Succeeded:
		t.Errorf("%d requests failed after the attack was answered, %d were served", f.after.Failed, f.after.Succeeded)
	}
}

// fairPlay is the laboratory of one kind.
type fairPlay struct {
	*stage
	scene   demo.Scene
	server  *lab.Server
	clients *lab.Clients
	d       *daemon
	blamed  map[netip.Addr]bool
	guilty  int
	blocks  uint64    // begun so far
	block   time.Time // when the last one was seen
}

func newFairPlay(t *testing.T, scene demo.Scene) *fairPlay {
	p := &fairPlay{stage: newStage(t), scene: scene, blamed: make(map[netip.Addr]bool)}
	if strings.HasSuffix(scene.Name(), "syn-flood") {
		floodAlone(t)
	}
	if err := scene.Prepare(p.Victim); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.server, err = lab.StartServer(t.Context(), p.Victim, scene.Server()); err != nil {
		t.Fatal(err)
	}
	innocent := lab.ClientRange()
	p.clients, err = lab.StartClients(t.Context(), p.Clients, lab.ClientsConfig{Target: v4(), Target6: v6(), Rate: fairnessRequests,
		// Those of one /64 are one source, as an office behind one address.
		Sources: slices.Concat(innocent.IPv4(10), innocent.IPv6(5), innocent.OneSubnet(5))})
	if err != nil {
		t.Fatal(err)
	}
	p.served(p.clients, 50)
	p.write(p.shop())
	p.d = p.start(command("run", "--config", p.config()))
	return p
}

// shop is the policy of a small shop, with every limit there is, and shorter times than the defaults.
func (p *fairPlay) shop() string {
	return fmt.Sprintf(`mode = "enforce"
[control]
socket = %q
view_group = ""
[history]
path = ""
[observe]
syn_pressure = "5000/s"
[[service]]
name = "shop"
ports = [%d]
capacity = %d
  [service.connections]
  per_source = 100
  [service.rate]
  new_per_source = "15/s"
  syn_per_source = "200/s"
  [service.response]
  lease = "6s"
  quiet = "8s"
  block_after = "5s"
  block_for = ["10m"]
`, p.socket(), demo.ServicePort, demo.Capacity)
}

// play lets the attack go on for a while, and tells how the innocent fared.
func (p *fairPlay) play(length time.Duration) fairness {
	p.t.Helper()
	onset := time.Now()
	attack, err := p.scene.Begin(p.t.Context(), p.Attackers, p.server)
	if err != nil {
		p.t.Fatal(err)
	}
	var after uint64
	for client := control.Dial(p.socket()); time.Since(onset) < length; {
		after = p.look(client, after)
	}
	end := time.Now()
	if err := attack.Stop(); err != nil {
		p.t.Error(err)
	}
	// What was under way ends within a second.
	await(p.t, 20*time.Second, "the clients are served after the attack", func() error {
		if _, ok := p.clients.ServedFrom(end, fairnessSettled); !ok {
			return errNotYet
		}
		return nil
	})
	f := fairness{kind: p.scene.Name(), length: length, guilty: p.guilty, curable: p.scene.Attacked()}
	from := onset
	if failed, ok := p.clients.FirstFailure(onset); ok && failed.Before(end) {
		if at, again := p.clients.ServedFrom(failed, fairnessSettled); again {
			from = at
			f.until = at.Sub(onset)
		}
	}
	f.again = p.interruptions(from, end)
	if at, ok := p.clients.ServedFrom(p.block, fairnessSettled); ok && p.blocks > 0 {
		f.rest = p.clients.Span(at, end)
	}
	f.onset, f.after = p.clients.Span(onset, from), p.clients.Span(from, end)
	for addr := range p.blamed {
		f.blamed = append(f.blamed, addr)
	}
	slices.SortFunc(f.blamed, netip.Addr.Compare)
	return f
}

// interruptions counts how often requests began to fail.
func (p *fairPlay) interruptions(from, end time.Time) int {
	for n := 0; ; n++ {
		failed, ok := p.clients.FirstFailure(from)
		if !ok || !failed.Before(end) {
			return n
		}
		if from, ok = p.clients.ServedFrom(failed, fairnessSettled); !ok {
			return n + 1
		}
	}
}

// look asks the daemon whom it holds responsible, and waits a moment for events.
func (p *fairPlay) look(client *control.Client, after uint64) uint64 {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	shop := status.Services[0]
	p.guilty = max(p.guilty, shop.LimitsTotal+shop.BlocksTotal)
	if shop.BlocksBegun > p.blocks {
		p.blocks, p.block = shop.BlocksBegun, time.Now()
	}
	for _, l := range shop.Limits {
		p.blame(l.Source)
	}
	for _, b := range shop.Blocks {
		p.blame(b.Source)
	}
	events, err := client.Events(ctx, after, 100*time.Millisecond)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range events.Events {
		p.blame(e.Source)
	}
	return events.Next
}

// blame notes a source if it is, or has, an innocent one.
func (p *fairPlay) blame(source netip.Prefix) {
	if innocentSource(source) {
		p.blamed[source.Addr()] = true
	}
}

// innocentSource reports whether legitimate clients are within a source or prefix.
func innocentSource(source netip.Prefix) bool {
	innocent := lab.ClientRange()
	return source.IsValid() && (innocent.V4.Overlaps(source) || innocent.V6.Overlaps(source))
}

// fairnessTable is the table of docs/reliability.md.
func fairnessTable(list []fairness) string {
	var b strings.Builder
	b.WriteString("| attack | went on | answered after | requests until then | of them failed | requests from then on | of them failed | interrupted again | attackers held | innocent held |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, f := range list {
		answered := "at once"
		switch {
		case !f.curable:
			answered = "nobody can"
		case f.until > 0:
			answered = fmt.Sprintf("%.1f s", f.until.Seconds())
		}
		fmt.Fprintf(&b, "| %s | %v | %s | %d | %d | %d | %d | %d | %d | %d |\n", f.kind, f.length, answered,
			f.onset.Succeeded+f.onset.Failed, f.onset.Failed, f.after.Succeeded+f.after.Failed, f.after.Failed, f.again, f.guilty, len(f.blamed))
	}
	return b.String()
}

// TestFairnessTable checks the table, and who is innocent.
func TestFairnessTable(t *testing.T) {
	got := fairnessTable([]fairness{
		{kind: "churn", length: 30 * time.Second, until: 2500 * time.Millisecond, onset: lab.Span{Succeeded: 80, Failed: 20},
			after: lab.Span{Succeeded: 900, Failed: 1}, again: 1, blamed: []netip.Addr{lab.ClientV4()}, guilty: 8, curable: true},
		{kind: "syn-flood", length: 30 * time.Second, after: lab.Span{Succeeded: 1000}, curable: true},
		{kind: "slow-application", length: 30 * time.Second, onset: lab.Span{Failed: 7}},
	})
	for _, want := range []string{
		"| churn | 30s | 2.5 s | 100 | 20 | 901 | 1 | 1 | 8 | 1 |\n",
		"| syn-flood | 30s | at once | 0 | 0 | 1000 | 0 | 0 | 0 | 0 |\n",
		"| slow-application | 30s | nobody can | 7 | 7 | 0 | 0 | 0 | 0 | 0 |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	for _, tt := range []struct {
		source netip.Prefix
		want   bool
	}{
		{netip.PrefixFrom(lab.ClientRange().IPv4(1)[0], 32), true},
		{netip.PrefixFrom(lab.ClientRange().OneSubnet(1)[0], 64), true},
		{netip.MustParsePrefix("10.0.0.0/8"), true},
		{netip.PrefixFrom(lab.AttackRange().IPv4(1)[0], 32), false},
		{netip.Prefix{}, false},
	} {
		if got := innocentSource(tt.source); got != tt.want {
			t.Errorf("%v: innocent %t", tt.source, got)
		}
	}
}
