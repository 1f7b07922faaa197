package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// twoShops is a policy of two services with room for so many blocks.
func twoShops(t *testing.T, most int) *Policy {
	t.Helper()
	p, err := Parse("test.toml", []byte(`mode = "enforce"
[[service]]
name = "mail"
ports = [25]
connections.per_source = 50
[[service]]
name = "web"
ports = [80]
  [service.connections]
  per_source = 10
  per_prefix = [{ ipv4 = 24, limit = 1000 }]
`))
	if err != nil {
		t.Fatal(err)
	}
	p.Limits.MaxBlocks = most
	return p
}

func eventsText(d *Decision) string {
	var b strings.Builder
	for _, e := range d.Events {
		fmt.Fprintf(&b, "%s %s %v (%d): %s\n", e.Kind, e.Service, e.Source, e.Count, e.Why)
	}
	return b.String()
}

func remembered(s *State) string {
	var list []string
	for _, b := range s.Blocks {
		list = append(list, b.Service+" "+shortPrefix(b.Source))
	}
	return strings.Join(list, ", ")
}

// TestBlocksComeBack after a trial, for the time they have left and with their strikes, unless more is known of
// their sources by now or the policy would not have them.
func TestBlocksComeBack(t *testing.T) {
	at := Instant(10 * time.Minute)
	p := twoShops(t, 100)
	p.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("192.0.2.3/32")}
	kept := slices.Concat(blockedUntil(30*time.Minute, "192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"),
		blockedUntil(9*time.Minute+30*time.Second, "192.0.2.4/32"), blockedUntil(time.Minute, "192.0.2.5/32"))
	kept[1].Strikes = 3
	kept[0].Since = at.Add(-5 * time.Second)
	now := blockedUntil(20*time.Minute, "192.0.2.2/32")
	slices.SortFunc(kept, CompareBlocks)
	s := State{At: at - 1, Begun: 1, Blocks: now}
	o := Observation{At: at, Orders: []Order{{Kind: OrderBlocks, Blocks: kept}}}
	next, d := Step(p, s, o)
	if got := remembered(&next); got != "web 192.0.2.1, web 192.0.2.2, web 192.0.2.4" {
		t.Errorf("blocks and strikes: %s", got)
	}
	if got := blockedIn(&d); got != "192.0.2.1/32 192.0.2.2/32" || d.Blocks[0].Until != kept[0].Until || !d.Blocks[0].Close || d.Blocks[1].Until != now[0].Until {
		t.Errorf("in force: %+v", d.Blocks)
	}
	if got := eventsText(&d); got != "source-blocked web 192.0.2.1/32 (1): back for 20m, as before the policy that was on trial\n" {
		t.Errorf("events:\n%s", got)
	}
	if len(d.Attacks) != 0 {
		t.Errorf("a block that is back opened %+v", d.Attacks)
	}
	if _, again := Step(p, next, o); len(again.Events) != 0 || len(again.Blocks) != 2 {
		t.Errorf("the same order once more: %s", eventsText(&again))
	}
}

// TestBlocksThatComeBackNeedRoom: those that end last have it, and what is only remembered gives way.
func TestBlocksThatComeBackNeedRoom(t *testing.T) {
	at := Instant(10 * time.Minute)
	p := twoShops(t, 4)
	kept := slices.Concat(blockedUntil(11*time.Minute, "192.0.2.1/32"), blockedUntil(12*time.Minute, "192.0.2.2/32"), blockedUntil(13*time.Minute, "192.0.2.3/32"))
	s := State{At: at - 1, Begun: 1, Blocks: slices.Concat(blockedUntil(20*time.Minute, "198.51.100.1/32", "198.51.100.2/32"),
		blockedUntil(9*time.Minute+30*time.Second, "198.51.100.3/32"))}
	for i := range s.Blocks {
		s.Blocks[i].Source = netip.PrefixFrom(s.Blocks[i].Source.Addr(), 32)
	}
	next, d := Step(p, s, Observation{At: at, Orders: []Order{{Kind: OrderBlocks, Blocks: kept}}})
	if got := blockedIn(&d); got != "192.0.2.2/32 192.0.2.3/32 198.51.100.1/32 198.51.100.2/32" || len(next.Blocks) != 4 {
		t.Errorf("in force: %s; remembered %s", got, remembered(&next))
	}
	if got := eventsText(&d); !strings.Contains(got, "strikes-forgotten web") || !strings.Contains(got, "blocks-full web invalid Prefix (1)") {
		t.Errorf("events:\n%s", got)
	}
}

// TestBlocksOfServicesThatLeftTakeNoRoom in the step in which they go.
func TestBlocksOfServicesThatLeftTakeNoRoom(t *testing.T) {
	at := Instant(10 * time.Minute)
	p := twoShops(t, 2)
	gone := blockedUntil(20*time.Minute, "198.51.100.1/32", "198.51.100.2/32")
	for i := range gone {
		gone[i].Service = "shop"
	}
	_, d := Step(p, State{At: at - 1, Begun: 1, Blocks: gone}, Observation{At: at, Orders: []Order{{Kind: OrderBlocks, Blocks: blockedUntil(20*time.Minute, "192.0.2.1/32", "192.0.2.2/32")}}})
	if got := blockedIn(&d); got != "192.0.2.1/32 192.0.2.2/32" {
		t.Errorf("in force: %s", got)
	}
}

// TestABlockByHandFindsRoom in what is remembered of former blocks, of whichever service, those next to decay first.
// It has no sources merged, and takes no block's place.
func TestABlockByHandFindsRoom(t *testing.T) {
	at := Instant(10 * time.Minute)
	former := func(decay time.Duration, service, source string) []BlockState {
		list := blockedUntil(5*time.Minute, source)
		list[0].Service, list[0].Decay = service, Instant(decay)
		return list
	}
	order := func(service string) []Order {
		return []Order{{Kind: OrderBlock, Block: HandBlock{Source: netip.MustParsePrefix("203.0.113.5/32"), Service: service, Until: at.Add(time.Hour)}}}
	}
	inForce := blockedUntil(time.Hour, hosts("198.51.100.", 0, 18)...)
	for name, c := range map[string]struct {
		blocks []BlockState
		orders []Order
		want   string // remembered beside those in force, of the order or not
		events string
	}{
		"of another service": {slices.Concat(former(20*time.Minute, "mail", "192.0.2.1/32"), former(30*time.Minute, "mail", "192.0.2.2/32")), order("web"),
			"mail 192.0.2.2, web 203.0.113.5", "strikes-forgotten mail"},
		"the oldest of all": {slices.Concat(former(30*time.Minute, "mail", "192.0.2.1/32"), former(20*time.Minute, "web", "192.0.2.2/32")), order("mail"),
			"mail 192.0.2.1, mail 203.0.113.5", "strikes-forgotten web"},
		"for both": {slices.Concat(former(30*time.Minute, "mail", "192.0.2.1/32"), former(20*time.Minute, "mail", "192.0.2.2/32")), order(""),
			"mail 203.0.113.5, web 203.0.113.5", "strikes-forgotten mail"},
		"for one of both": {slices.Concat(former(30*time.Minute, "mail", "192.0.2.1/32"), blockedUntil(time.Hour, "192.0.2.2/32")), order(""),
			"mail 203.0.113.5, web 192.0.2.2", "blocks-full web"},
		"nowhere": {blockedUntil(time.Hour, "192.0.2.1/32", "192.0.2.2/32"), order("web"), "web 192.0.2.1, web 192.0.2.2", "blocks-full web"},
	} {
		t.Run(name, func(t *testing.T) {
			p := twoShops(t, 20)
			blocks := slices.Concat(c.blocks, inForce)
			slices.SortFunc(blocks, CompareBlocks)
			before := slices.Clone(blocks)
			next, d := Step(p, State{At: at - 1, Begun: 1, Blocks: blocks}, Observation{At: at, Orders: c.orders})
			rest := slices.DeleteFunc(slices.Clone(next.Blocks), func(b BlockState) bool { return strings.HasPrefix(b.Source.String(), "198.51.100.") })
			if got := remembered(&State{Blocks: rest}); got != c.want || len(next.Blocks) != 20 {
				t.Errorf("%s; %d in all", got, len(next.Blocks))
			}
			if got := eventsText(&d); !strings.Contains(got, c.events) || strings.Contains(got, "blocks-merged") {
				t.Errorf("events:\n%s", got)
			}
			if !slices.Equal(before, blocks) {
				t.Error("the state of before was changed")
			}
		})
	}
}
