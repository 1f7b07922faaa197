package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExplainInForce(t *testing.T) {
	limit := func(source string, held, most int, rule string) Limit {
		return Limit{Service: "web", Source: netip.MustParsePrefix(source), Mode: Enforce, Held: held, Max: most, Refuse: held >= most, Close: held > most,
			Since: explained.Add(-4 * time.Second), Until: explained.Add(29 * time.Second), Reason: Reason{Rule: rule, Measured: held, Threshold: most}}
	}
	tail := "; ends after 1m below half of it, or in 29s if nothing more is known"
	for name, c := range map[string]struct {
		limits []Limit
		addr   string
		covers int
		next   []string
	}{
		"above": {[]Limit{limit("203.0.113.9/32", 150, 100, "connections.per_source")}, "203.0.113.9", 1, []string{
			"150 of 100 held (connections.per_source): new connections are refused, 50 are closed, those with the least progress first" +
				"; blocked for 10m if that goes on for another 6s" + tail}},
		"at it": {[]Limit{limit("203.0.113.9/32", 100, 100, "connections.per_source")}, "203.0.113.9", 1, []string{
			"100 of 100 held (connections.per_source): new connections are refused" + tail}},
		"below again": {[]Limit{limit("203.0.113.9/32", 60, 100, "connections.per_source")}, "203.0.113.9", 1, []string{
			"60 of 100 held (connections.per_source): new connections are refused again at the limit" + tail}},
		"for its rate": {[]Limit{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32"), Refuse: true, Until: explained.Add(29 * time.Second),
			Reason: Reason{Rule: "rate.new_per_source", Measured: 80, Threshold: 50}}}, "203.0.113.9", 1, []string{
			"rate.new_per_source: 80 new connections a second, limit 50: new connections are refused; blocked for 10m if it is as fast again" + tail}},
		"at its share": {[]Limit{limit("203.0.113.9/32", 80, 60, "capacity")}, "203.0.113.9", 1, []string{
			"80 of 60 held (capacity): new connections are refused, 20 are closed, those with the least progress first" +
				"; ends when there is room for all, or in 29s if nothing more is known"}},
		"another service's": {[]Limit{{Service: "admin", Source: netip.MustParsePrefix("203.0.113.9/32")}}, "203.0.113.9", 0, []string{
			"nothing tells what is held: new connections are refused from 100 on"}},
		"a neighbour's": {[]Limit{limit("203.0.113.8/32", 150, 100, "connections.per_source")}, "203.0.113.9", 0, []string{
			"nothing tells what is held: new connections are refused from 100 on"}},
		"of a prefix": {[]Limit{limit("203.0.113.0/24", 400, 400, "connections.per_prefix")}, "203.0.113.9", 1, []string{
			"203.0.113.0/24: 400 of 400 held (connections.per_prefix): new connections are refused" + tail}},
		"of a prefix, which holds less again": {[]Limit{limit("203.0.113.0/24", 300, 400, "connections.per_prefix")}, "203.0.113.9", 1, []string{
			"203.0.113.0/24: 300 of 400 held (connections.per_prefix): new connections are refused again at the limit" + tail,
			"nothing tells what is held: new connections are refused from 100 on"}},
		"of its one address": {[]Limit{limit("2001:db8:9:1::7/128", 150, 100, "connections.per_source")}, "2001:db8:9:1::7", 1, []string{
			"2001:db8:9:1::7: 150 of 100 held (connections.per_source): new connections are refused, 50 are closed, those with the least progress first" +
				"; blocked for 10m if that goes on for another 6s" + tail}},
		"of another address of its source": {[]Limit{limit("2001:db8:9:1::7/128", 150, 100, "connections.per_source")}, "2001:db8:9:1::8", 0, []string{
			"150 of 100 held, most of it by 2001:db8:9:1::7, which alone is answered"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, web := explainWeb(explainedPolicy(), &State{}, &Decision{Limits: c.limits}, nil, c.addr)
			if len(web.Limits) != c.covers {
				t.Errorf("limits %+v", web.Limits)
			}
			got := web.Next
			if !refused(&web) {
				got = got[:len(c.next)] // what follows is of other limits
			}
			if diff := cmp.Diff(c.next, got); diff != "" {
				t.Errorf("next (-want +got):\n%s", diff)
			}
		})
	}
	watched := &Decision{Watched: []Watched{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32")}}}
	if _, web := explainWeb(explainedPolicy(), &State{}, watched, nil, "203.0.113.9"); !web.Watched {
		t.Error("not told that it is watched")
	}
	if _, web := explainWeb(explainedPolicy(), &State{}, watched, nil, "203.0.113.10"); web.Watched {
		t.Error("a neighbour is told to be watched")
	}
}

func TestExplainBlocksAndStrikes(t *testing.T) {
	block := func(source string) Block {
		return Block{Service: "web", Source: netip.MustParsePrefix(source), Until: explained.Add(9*time.Minute + 58*time.Second)}
	}
	struck := func(source string, strikes int, decay time.Duration) BlockState {
		return BlockState{Service: "web", Source: netip.MustParsePrefix(source), Strikes: strikes, Decay: explained.Add(decay)}
	}
	for name, c := range map[string]struct {
		blocks   []Block
		struck   []BlockState
		covers   int
		strikes  int
		forgiven time.Duration
		nextFor  time.Duration
		next     string
	}{
		"never": {nil, nil, 0, 0, 0, 10 * time.Minute, ""},
		"blocked for the first time": {[]Block{block("203.0.113.9/32")}, []BlockState{struck("203.0.113.9/32", 1, 24*time.Hour)}, 1, 1, 24 * time.Hour, time.Hour,
			"blocked for another 9m58s: ends by itself, whatever is sent; the next block would last 1h"},
		"blocked with its prefix": {[]Block{block("203.0.113.0/24")}, []BlockState{struck("203.0.113.0/24", 2, time.Hour)}, 1, 2, time.Hour, 24 * time.Hour,
			"blocked with 203.0.113.0/24 for another 9m58s: ends by itself, whatever is sent; the next block would last 24h"},
		"blocked before": {nil, []BlockState{struck("203.0.113.9/32", 1, time.Hour)}, 0, 1, time.Hour, time.Hour,
			"blocked once before, one of them is forgiven in 1h; the next block would last 1h"},
		"more often than there are steps": {nil, []BlockState{struck("203.0.113.9/32", 7, time.Hour)}, 0, 7, time.Hour, 24 * time.Hour,
			"blocked 7 times before, one of them is forgiven in 1h; the next block would last 24h"},
		"the source and its prefix": {nil, []BlockState{struck("203.0.113.0/24", 1, 2*time.Hour), struck("203.0.113.9/32", 2, time.Hour)}, 0, 2, time.Hour, 24 * time.Hour,
			"blocked 2 times before, one of them is forgiven in 1h; the next block would last 24h"},
		"a neighbour's": {[]Block{block("203.0.113.8/32")}, []BlockState{struck("203.0.113.8/32", 3, time.Hour)}, 0, 0, 0, 10 * time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, web := explainWeb(explainedPolicy(), &State{Blocks: c.struck}, &Decision{Blocks: c.blocks}, nil, "203.0.113.9")
			forgiven := Instant(0)
			if c.forgiven != 0 {
				forgiven = explained.Add(c.forgiven)
			}
			if len(web.Blocks) != c.covers || web.Strikes != c.strikes || web.Forgiven != forgiven || web.NextFor != c.nextFor {
				t.Errorf("%d blocks, %d strikes until %v, next for %v", len(web.Blocks), web.Strikes, web.Forgiven, web.NextFor)
			}
			if text := strings.Join(web.Next, "\n"); strings.Contains(text, "blocked") != (c.next != "") || !strings.Contains(text, c.next) {
				t.Errorf("next %q, want %q", text, c.next)
			}
			if c.covers > 0 && len(web.Next) != 1 {
				t.Errorf("next %q, want nothing of limits while it is blocked", web.Next)
			}
		})
	}
	t.Run("the policy never blocks", func(t *testing.T) {
		p := explainedPolicy()
		p.Services[0].Response.BlockAfter = 0
		if _, web := explainWeb(p, &State{}, &Decision{}, nil, "203.0.113.9"); web.NextFor != 0 {
			t.Errorf("the next block would last %v", web.NextFor)
		}
	})
}
