package control

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestAttackPolicyOf(t *testing.T) {
	got := AttackPolicyOf(&policy.Service{
		Name: "web", Capacity: 2500, Connections: policy.Connections{PerSource: 100, CloseExcess: true, PerPrefix: []policy.PrefixLimit{{Bits: 24, Max: 800}, {IPv6: true, Bits: 48, Max: 900}}},
		Rate:     policy.Rate{NewPerSource: 50, SYNPerSource: 200},
		Response: policy.Response{Lease: 30 * time.Second, Quiet: time.Minute, BlockAfter: 10 * time.Second, BlockFor: []time.Duration{10 * time.Minute, time.Hour}},
	})
	want := &AttackPolicy{Capacity: 2500, PerSource: 100, PerPrefix: []PrefixLimit{{IPv4: 24, Limit: 800}, {IPv6: 48, Limit: 900}}, NewPerSource: 50, SYNPerSource: 200,
		CloseExcess: true, Lease: Duration(30 * time.Second), Quiet: Duration(time.Minute), BlockAfter: Duration(10 * time.Second),
		BlockFor: []Duration{Duration(10 * time.Minute), Duration(time.Hour)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bare := AttackPolicyOf(&policy.Service{}); bare.PerPrefix == nil || bare.BlockFor == nil {
		t.Error("a list is null")
	}
}

func TestDurationIsWrittenAsInThePolicy(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 500 * time.Millisecond: "500ms", 10 * time.Second: "10s", time.Minute: "1m", 10 * time.Minute: "10m",
		150 * time.Second: "2m30s", time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h", time.Hour + time.Second: "1h0m1s"} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
		if back, err := time.ParseDuration(want); err != nil || back != d {
			t.Errorf("%q is read as %v, %v", want, back, err)
		}
	}
}

// TestPrefixLimitOnTheWire: a limit is written as the policy file has it.
func TestPrefixLimitOnTheWire(t *testing.T) {
	want := `[{"ipv4":24,"limit":800},{"ipv6":48,"limit":900}]`
	got, err := json.Marshal([]PrefixLimit{{IPv4: 24, Limit: 800}, {IPv6: 48, Limit: 900}})
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}
