package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// crowdedOut is a policy with room for 20 blocks, and a state in which they are all taken.
func crowdedOut(t *testing.T, prefixes string, blocks ...BlockState) (*Policy, State) {
	t.Helper()
	p, err := Parse("test.toml", []byte(`mode = "enforce"
[[service]]
name = "web"
ports = [80]
  [service.connections]
  per_source = 10
  `+prefixes+`
  [[service.override]]
  prefixes = ["198.51.100.200"]
  per_source = 20
  [service.response]
  block_after = "1s"
  block_for = ["1m"]
`))
	if err != nil {
		t.Fatal(err)
	}
	p.Limits.MaxBlocks = 20
	slices.SortFunc(blocks, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	return p, State{At: Instant(time.Second), Blocks: blocks}
}

func blockedUntil(until time.Duration, sources ...string) []BlockState {
	var list []BlockState
	for _, s := range sources {
		list = append(list, BlockState{Service: "web", Source: netip.MustParsePrefix(s), Cause: ConnectionFlood, Mode: Enforce, Peak: 100, Strikes: 1,
			Since: 1, Until: Instant(until), Decay: Instant(until + time.Minute), Reason: Reason{Rule: rulePerSource, Measured: 100, Threshold: 10, At: 1}})
	}
	return list
}

func hosts(prefix string, first, n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%s%d/32", prefix, first+i))
	}
	return list
}

// persisting has one source hold too much for long enough to be blocked, and returns the last decision
// and the events of all.
func persisting(p *Policy, s State, source string) (d Decision, events string) {
	for i := range 4 {
		at := s.At.Add(time.Duration(1+i) * 500 * time.Millisecond)
		var next Decision
		s, next = Step(p, s, Observation{At: at, Census: Census{Taken: true, Complete: true, From: at, Services: []ServiceCensus{
			{Service: "web", Held: 50, Sources: []SourceCensus{{Source: netip.MustParsePrefix(source), Held: 50}}}}}})
		for _, e := range next.Events {
			events += fmt.Sprintf("%s %v (%d)\n", e.Kind, e.Source, e.Count)
		}
		d = next
	}
	return d, events
}

func blockedIn(d *Decision) string {
	var list []string
	for _, b := range d.Blocks {
		list = append(list, b.Source.String())
	}
	return strings.Join(list, " ")
}

const in24 = `per_prefix = [{ ipv4 = 24, limit = 1000 }]`

func TestFullBlocksAreMerged(t *testing.T) {
	long, short := 10*time.Minute, 5*time.Minute
	crowd := blockedUntil(long, hosts("198.51.100.", 1, 16)...)
	others := slices.Concat(blockedUntil(short, "198.51.100.200/32", "2001:db8::/64"), blockedUntil(short, hosts("203.0.113.", 1, 2)...))
	ended := blockedUntil(500*time.Millisecond, hosts("192.0.2.", 1, 2)...)
	all := func(n int) string { return strings.Join(hosts("198.51.100.", 1, n), " ") }
	tests := []struct {
		name     string
		prefixes string
		blocks   []BlockState
		want     string // in force at the end
		events   string // that must be there
		silent   string // that must not
	}{
		{"a crowded prefix stands for its sources, but not for one with an override", in24, slices.Concat(crowd, others),
			"198.51.100.0/24 198.51.100.200/32 203.0.113.1/32 203.0.113.2/32 233.252.0.9/32 2001:db8::/64",
			"blocks-merged 198.51.100.0/24 (16)", "source-freed"},
		{"nothing is merged where the policy limits no prefixes", "", slices.Concat(crowd, others),
			all(16) + " 198.51.100.200/32 203.0.113.1/32 203.0.113.2/32 2001:db8::/64", "blocks-full", "blocks-merged"},
		{"fifteen are no crowd", in24, slices.Concat(crowd[:15], others, blockedUntil(short, "203.0.113.9/32")),
			all(15) + " 198.51.100.200/32 203.0.113.1/32 203.0.113.2/32 203.0.113.9/32 2001:db8::/64", "blocks-full", "blocks-merged"},
		{"a wide prefix is not blocked for them", `per_prefix = [{ ipv4 = 16, limit = 1000 }]`, slices.Concat(crowd, others),
			all(16) + " 198.51.100.200/32 203.0.113.1/32 203.0.113.2/32 2001:db8::/64", "blocks-full", "blocks-merged"},
		{"strikes of ended blocks go first", in24, slices.Concat(crowd, others[:2], ended),
			all(16) + " 198.51.100.200/32 233.252.0.9/32 2001:db8::/64", "strikes-forgotten", "blocks-merged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, s := crowdedOut(t, tt.prefixes, tt.blocks...)
			d, events := persisting(p, s, "233.252.0.9/32")
			if got := blockedIn(&d); got != tt.want {
				t.Errorf("blocked are\n%s\nwant\n%s", got, tt.want)
			}
			if !strings.Contains(events, tt.events) || strings.Contains(events, tt.silent) {
				t.Errorf("events are\n%swant %q and no %q", events, tt.events, tt.silent)
			}
		})
	}
}

func TestAMergedBlockLastsAsLongAsItsLongest(t *testing.T) {
	long, short := 10*time.Minute, 5*time.Minute
	p, s := crowdedOut(t, in24, slices.Concat(blockedUntil(short, hosts("198.51.100.", 1, 19)...), blockedUntil(long, "198.51.100.20/32"))...)
	d, _ := persisting(p, s, "233.252.0.9/32")
	b := d.Blocks[0]
	if b.Source != netip.MustParsePrefix("198.51.100.0/24") || b.Until != Instant(long) {
		t.Errorf("%v is blocked until %v, want 198.51.100.0/24 until %v", b.Source, b.Until, long)
	}
	if b.Close {
		t.Error("what others within it hold is to be closed")
	}
	if want := "limits.max_blocks: stands for the blocks of 20 sources, to make room among 20"; b.Reason.String() != want {
		t.Errorf("it is blocked because %q, want %q", b.Reason, want)
	}
}
