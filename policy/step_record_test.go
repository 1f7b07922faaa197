package policy

import (
	"net/netip"
	"testing"
)

// TestWhatTheOperatorDidIsKept though an attack changes without end: the first half, the newest, and between them
// what was done by hand.
func TestWhatTheOperatorDidIsKept(t *testing.T) {
	var a Attack
	add := func(at Instant, byHand bool) { a.change(Change{At: at, What: "x", ByHand: byHand}) }
	for at := range Instant(200) {
		add(at, at == 50 || at == 60)
		add(at, at == 50 || at == 60) // an observation that came twice
	}
	if len(a.Changes) != maxChanges || a.Dropped != 200-maxChanges {
		t.Fatalf("%d changes, %d dropped", len(a.Changes), a.Dropped)
	}
	if a.Changes[15].At != 15 || a.Changes[16].At != 50 || a.Changes[17].At != 60 || a.Changes[31].At != 199 {
		t.Errorf("kept %+v", a.Changes)
	}
	for at := range Instant(50) {
		add(1000+at, true)
	}
	if len(a.Changes) != maxChanges || a.Changes[31].At != 1049 {
		t.Errorf("all by hand: %d changes, the last %+v", len(a.Changes), a.Changes[len(a.Changes)-1])
	}
}

// TestDeedsAreOfTheirService or of all.
func TestDeedsAreOfTheirService(t *testing.T) {
	st := serviceStep{o: &Observation{At: 7}, service: &Service{Name: "web"}}
	source := netip.MustParsePrefix("192.0.2.1/32")
	st.ordered([]Event{{Kind: ModeChanged, Service: "web", Mode: Shadow, Why: "by hand"}, {Kind: ExemptAdded, Source: source},
		{Kind: ExemptEnded, Service: "mail", Source: source}, {Kind: TableLost}})
	want := []Change{{At: 7, What: "shadow mode from here on", Why: "by hand", ByHand: true}, {At: 7, What: "exempt by hand", Source: source, ByHand: true}}
	if len(st.deeds) != 2 || st.deeds[0] != want[0] || st.deeds[1] != want[1] {
		t.Errorf("deeds %+v", st.deeds)
	}
}
