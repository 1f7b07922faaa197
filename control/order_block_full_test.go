package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

// TestBlockThatOneServiceHasNoRoomFor: what is remembered of former blocks at one service takes all room. There it
// gives way to the operator's block, and at the other service, which has nothing to forget, nobody is blocked:
// the answer says so.
func TestBlockThatOneServiceHasNoRoomFor(t *testing.T) {
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
	hour := policy.Instant(time.Hour)
	s := policy.State{At: 10*hour - 2, Begun: 1}
	for i := range 1000 {
		s.Blocks = append(s.Blocks, policy.BlockState{Service: "web", Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32),
			Cause: policy.ConnectionFlood, Mode: policy.Enforce, Peak: 500, Strikes: 1, Since: 8 * hour, Until: 9 * hour, Decay: 24 * hour,
			Reason: policy.Reason{Rule: "connections.per_source", Measured: 500, Threshold: 100, At: 8 * hour}})
	}
	x := Blocking{Target: Target{Prefix: netip.MustParsePrefix("203.0.113.5/32")}, For: time.Hour}
	s, before := policy.Step(p, s, policy.Observation{At: 10*hour - 1})
	if refusal := x.Check(p, &before); refusal != nil {
		t.Fatal(refusal)
	}
	_, after := policy.Step(p, s, policy.Observation{At: 10 * hour, Orders: []policy.Order{x.Input(10 * hour)}})
	done, refusal := x.Outcome(p, &before, &after, Calendar{Now: 10 * hour})
	if refusal != nil {
		t.Fatal(refusal)
	}
	b := done.(Blocked)
	if len(b.Blocks) != 1 || b.Blocks[0].Service != "web" || len(b.Still) != 1 || !strings.Contains(b.Still[0], `NOT blocked at service "mail"`) {
		t.Errorf("%+v", b)
	}
}
