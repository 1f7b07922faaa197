package policy

import (
	"net/netip"
	"testing"
	"time"
)

// Of blocks that ended, those are told that ended since the state was kept: the daemon before has told the others,
// and each start would tell them again for as long as their strikes count.
func TestRestoreTellsEachEndOnce(t *testing.T) {
	p := mustParse(t, restorePolicy)
	saved := Moment{Boot: "a", At: 10 * hour, Wall: wallAt(0)}
	blocks := []BlockState{
		keptBlock("198.51.100.1/32", 9*hour),
		keptBlock("198.51.100.2/32", 10*hour),
		keptBlock("198.51.100.3/32", 10*hour+Instant(time.Second)),
		keptBlock("198.51.100.4/32", 11*hour),
	}
	for _, c := range []struct {
		name string
		now  Moment
		told []string
	}{
		{"a minute later", Moment{"a", 10*hour + minute, wallAt(time.Minute)}, []string{"198.51.100.3/32"}},
		{"two hours later", Moment{"a", 12 * hour, wallAt(2 * time.Hour)}, []string{"198.51.100.3/32", "198.51.100.4/32"}},
		{"after another boot", Moment{"b", 5 * minute, wallAt(time.Minute)}, []string{"198.51.100.3/32"}},
	} {
		s, left := Restore(p, Kept{Saved: saved, Blocks: blocks}, c.now)
		if left != 0 || len(s.Blocks) != len(blocks) {
			t.Fatalf("%s: %d blocks, %d left out", c.name, len(s.Blocks), left)
		}
		next, d := Step(p, s, Observation{At: c.now.At, Wall: c.now.Wall})
		checkFreed(t, c.name, d.Events, c.told)
		if next.Told != 0 {
			t.Errorf("%s: the state after it has been told until %v", c.name, next.Told)
		}
		_, d = Step(p, next, Observation{At: c.now.At + Instant(time.Second), Wall: c.now.Wall + int64(time.Second)})
		checkFreed(t, c.name+", and one turn", d.Events, nil)

		// Started once more, with what this one keeps.
		again, _ := Restore(p, next.Keep(c.now), Moment{c.now.Boot, c.now.At + minute, c.now.Wall + int64(time.Minute)})
		_, d = Step(p, again, Observation{At: c.now.At + minute, Wall: c.now.Wall + int64(time.Minute)})
		checkFreed(t, c.name+", and a start", d.Events, nil)
	}
}

// checkFreed compares the sources that were freed because their time is over.
func checkFreed(t *testing.T, name string, events []Event, want []string) {
	t.Helper()
	got := make(map[netip.Prefix]bool)
	for _, e := range events {
		if e.Kind == SourceFreed {
			got[e.Source] = true
		}
	}
	for _, source := range want {
		if !got[netip.MustParsePrefix(source)] {
			t.Errorf("%s: that %s was freed is not told", name, source)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: told are %v, want %v", name, got, want)
	}
}
