package control

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

func limitOf(i, held int) Limit {
	return Limit{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), Held: held}
}

func TestHeaviestLimits(t *testing.T) {
	var in []Limit
	for i := range 300 {
		in = append(in, limitOf(i, i%150))
	}
	before := slices.Clone(in)
	got := HeaviestLimits(in)
	if len(got) != MaxLimits {
		t.Fatalf("got %d limits, want %d", len(got), MaxLimits)
	}
	if !slices.Equal(in, before) {
		t.Error("the input was changed")
	}
	// Each count occurs twice; equal counts are in the order of their addresses.
	for i, l := range got {
		want := limitOf(149-i/2+150*(i%2), 149-i/2)
		if l != want {
			t.Fatalf("limit %d: got %v, want %v", i, l, want)
		}
	}
	slices.Reverse(in)
	if !slices.Equal(HeaviestLimits(in), got) {
		t.Error("the order of the input matters")
	}
	if got := HeaviestLimits(nil); got == nil || len(got) != 0 {
		t.Errorf("no limits: got %#v, want an empty list", got)
	}
}

func TestBoundedLeavesTheOriginalAlone(t *testing.T) {
	s := &Status{Services: []Service{{Name: "web"}}}
	for i := range 250 {
		s.Services[0].Limits = append(s.Services[0].Limits, limitOf(i, i))
	}
	b := s.bounded()
	if got := len(b.Services[0].Limits); got != MaxLimits {
		t.Errorf("bounded has %d limits, want %d", got, MaxLimits)
	}
	if got := b.Services[0].LimitsTotal; got != 250 {
		t.Errorf("bounded counts %d limits, want 250", got)
	}
	if len(s.Services[0].Limits) != 250 || s.Services[0].Limits[0].Held != 0 || s.Services[0].LimitsTotal != 0 {
		t.Error("the original was changed")
	}
}

func TestBoundedHasNoNullList(t *testing.T) {
	b, err := json.Marshal((&Status{Services: []Service{{}}}).bounded())
	if err != nil {
		t.Fatal(err)
	}
	// These are null for "never" and "none".
	text := strings.NewReplacer(`"endings":null`, "", `"syn_meter":null`, "", `"offender":null`, "", `"share":null`, "", `"relief":null`, "", `"proxy":null`, "", `"counted_since":null`, "", `"reload":null`, "", `"taken":null`, "", `"at":null`, "", `"started":null`, "").Replace(string(b))
	if strings.Contains(text, "null") {
		t.Errorf("a list is null: %s", b)
	}
}

func TestPortsText(t *testing.T) {
	for want, in := range map[string][]policy.PortRange{
		"":                 nil,
		"80":               {{First: 80, Last: 80}},
		"80,443,8000-8010": {{First: 80, Last: 80}, {First: 443, Last: 443}, {First: 8000, Last: 8010}},
		"1-65535":          {{First: 1, Last: 65535}},
	} {
		if got := PortsText(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
