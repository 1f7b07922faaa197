package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

// blockOfTwo blocks a source at two services, of which one has so many blocks until a time, with room for 1,000.
func blockOfTwo(t *testing.T, taken int, until policy.Instant) (any, *Error) {
	t.Helper()
	p, err := policy.Parse("full.toml", []byte(`mode = "enforce"
[limits]
max_blocks = 1000
[[service]]
name = "mail"
ports = [25]
connections.per_source = 50
[[service]]
name = "web"
ports = [80]
connections.per_source = 100
`))
	if err != nil {
		t.Fatal(err)
	}
	s := policy.State{At: 10*hour - 2, Begun: 1}
	for i := range taken {
		s.Blocks = append(s.Blocks, policy.BlockState{Service: "web", Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32),
			Cause: policy.ConnectionFlood, Mode: policy.Enforce, Peak: 500, Strikes: 1, Since: 8 * hour, Until: until, Decay: 24 * hour,
			Reason: policy.Reason{Rule: "connections.per_source", Measured: 500, Threshold: 100, At: 8 * hour}})
	}
	x := Blocking{Target: Target{Prefix: netip.MustParsePrefix("203.0.113.5/32")}, For: time.Hour}
	s, before := policy.Step(p, s, policy.Observation{At: 10*hour - 1})
	if refusal := x.Check(p, &before); refusal != nil && len(before.Blocks)+2 <= 1000 {
		t.Fatal(refusal)
	}
	_, after := policy.Step(p, s, policy.Observation{At: 10 * hour, Orders: []policy.Order{x.Input(10 * hour)}})
	return x.Outcome(p, &before, &after, Calendar{Now: 10 * hour})
}

const hour = policy.Instant(time.Hour)

// TestFormerBlocksGiveWay: what is remembered of former blocks at one service takes all room, and gives way to what
// the operator orders at both.
func TestFormerBlocksGiveWay(t *testing.T) {
	done, refusal := blockOfTwo(t, 1000, 9*hour)
	if refusal != nil {
		t.Fatal(refusal)
	}
	if b := done.(Blocked); len(b.Blocks) != 2 || len(b.Still) != 0 {
		t.Errorf("%+v", b)
	}
}

// TestBlockThatOneServiceHasNoRoomFor: blocks in force leave room for one. At the other service nobody is blocked,
// and the answer says so.
func TestBlockThatOneServiceHasNoRoomFor(t *testing.T) {
	done, refusal := blockOfTwo(t, 999, 20*hour)
	if refusal != nil {
		t.Fatal(refusal)
	}
	b := done.(Blocked)
	if len(b.Blocks) != 1 || b.Blocks[0].Service != "mail" || len(b.Still) != 1 || !strings.Contains(b.Still[0], `NOT blocked at service "web"`) ||
		!strings.HasSuffix(b.Still[0], "limits.max_blocks of the policy is 1,000, and as many are in force") {
		t.Errorf("%+v", b)
	}
	if _, refusal := blockOfTwo(t, 1000, 20*hour); refusal == nil || refusal.Kind != KindFull || !strings.Contains(refusal.Message, "and as many are in force") {
		t.Errorf("no room at all: %v", refusal)
	}
}
