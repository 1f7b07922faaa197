package recording

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

const everyPolicy = `mode = "enforce"
[exempt]
ssh_groups = ["wheel"]
[[service]]
name = "web"
ports = [80]
capacity = 1000
  [service.connections]
  per_source = 10
  [service.rate]
  syn_per_source = "200/s"
  new_per_source = "20/s"
  [service.response]
  block_after = "1s"
  block_for = ["10s"]
[[service]]
name = "ssh"
ports = [22]
  [service.connections]
  per_source = 10
`

// orders are what the operator asks for, by turn.
var orders = map[int]policy.Order{
	30: {Kind: policy.OrderExempt, Exemption: policy.Exemption{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Service: "web",
		Since: policy.Instant(30 * time.Second), Until: policy.Instant(40 * time.Second), Reason: "\"our\" <office>\u2028"}},
	34: {Kind: policy.OrderUnexempt, Exemption: policy.Exemption{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Service: "web"}},
	35: {Kind: policy.OrderExempt, Exemption: policy.Exemption{Prefix: netip.MustParsePrefix("2001:db8::/32"), Until: policy.Instant(50 * time.Second)}},
}

// busy returns observations of a minute in which about everything happens that can.
func busy() []policy.Observation {
	hoarder, single := netip.MustParsePrefix("198.51.100.7/32"), netip.MustParseAddr("2001:db8::1")
	var out []policy.Observation
	for i := 1; i <= 60; i++ {
		at := policy.Instant(i) * policy.Instant(time.Second)
		o := policy.Observation{At: at, Wall: int64(at), Metered: true,
			Counters: policy.Counters{Valid: true, SynCookies: 1, CookiesSent: uint64(i) * 5000, PassiveOpens: uint64(i) * 900},
			Listeners: []policy.Listener{{Service: "ssh", Local: netip.MustParseAddrPort("[::]:22"), Backlog: 128, SSH: true, Unit: "ssh.service"},
				{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Queue: 128, Backlog: 128, Unit: "nginx.service"}},
			Sessions: []policy.Session{{From: netip.MustParseAddr("192.0.2.1"), Root: true}, {From: netip.MustParseAddr("192.0.2.2"), Groups: []string{"users", "wheel"}}},
			SYNs: []policy.SYNMeter{{Service: "web", SYNs: uint64(i) * 4000, Over: uint64(i) * 3000, Unmetered: uint64(i) * 10,
				Sources: []policy.SYNSource{{Source: hoarder, Over: uint64(i) * 3000}}}},
			Endings: policy.Endings{Taken: true, From: at.Add(-time.Second), Span: time.Second, Services: []policy.ServiceEndings{
				{Service: "web", Ended: 400, Sources: []policy.SourceEndings{{Source: hoarder, Ended: 400}}}}}}
		if order, given := orders[i]; given {
			o.Orders = []policy.Order{order}
		}
		if i%7 == 0 {
			o.Closed = []policy.Cut{{Service: "web", Source: hoarder, Count: i}}
		}
		if i > 45 { // and peace again
			o.Endings.Services, o.SYNs = nil, nil
		}
		o.Census = policy.Census{Taken: true, Complete: true, From: at, Services: []policy.ServiceCensus{{Service: "ssh"},
			{Service: "web", Held: 930, Unread: 300, Sources: crowd(hoarder, single, i)}}}
		out = append(out, o)
	}
	return out
}

// crowd returns the sources of a census: many modest ones, one that hoards, one that does in IPv6.
func crowd(hoarder netip.Prefix, single netip.Addr, turn int) []policy.SourceCensus {
	var out []policy.SourceCensus
	for i := range 100 {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(i)})
		out = append(out, policy.SourceCensus{Source: netip.PrefixFrom(addr, 32), Held: 8, HalfOpen: i % 2})
	}
	if turn <= 45 {
		out = append(out, policy.SourceCensus{Source: hoarder, Held: 100},
			policy.SourceCensus{Source: netip.PrefixFrom(single, 64).Masked(), Held: 30, Single: single, SingleHeld: 28})
	}
	slices.SortFunc(out, func(a, b policy.SourceCensus) int { return policy.ComparePrefix(a.Source, b.Source) })
	return out
}

// TestEverythingReplaysToTheByte records with a file of its own for every turn, so that every state
// goes through a header, and every observation and decision through an entry.
func TestEverythingReplaysToTheByte(t *testing.T) {
	p, err := policy.Parse("test", []byte(everyPolicy))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rec")
	w, err := Create(Config{Path: path, FileSize: 1, Files: 100})
	if err != nil {
		t.Fatal(err)
	}
	var state policy.State
	var decisions []policy.Decision
	for _, o := range busy() {
		before := state
		var d policy.Decision
		state, d = policy.Step(p, before, o)
		if err := w.Write(&before, &o, &d); err != nil {
			t.Fatal(err)
		}
		decisions = append(decisions, d)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	happened(t, decisions)
	for i := range decisions {
		name := fmt.Sprintf("%s.%d", path, len(decisions)-i)
		if err := Replay(open(t, name), p, func(o Outcome) bool {
			was, _ := json.Marshal(&decisions[i])
			is, _ := json.Marshal(&o.Decision)
			if diff := cmp.Diff(string(was), string(is)); diff != "" || !o.Same {
				t.Fatalf("turn %d is decided otherwise (same: %t):\n%s", i+1, o.Same, diff)
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// happened holds the scenario to what it is for: that every list of a decision was in use.
func happened(t *testing.T, decisions []policy.Decision) {
	t.Helper()
	used := make(map[string]int)
	for _, d := range decisions {
		for what, n := range map[string]int{"limits": len(d.Limits), "watched": len(d.Watched), "blocks": len(d.Blocks), "attacks": len(d.Attacks),
			"ended": len(d.Ended), "meters": len(d.Meters), "exempt": len(d.Exempt), "admins": len(d.SSH.Admins), "ports": len(d.SSH.Ports), "events": len(d.Events)} {
			used[what] += n
		}
	}
	for what, n := range used {
		if n == 0 {
			t.Errorf("no %s in the whole recording", what)
		}
	}
}
