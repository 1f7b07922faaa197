package enforcer

import (
	"fmt"
	"strings"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// fills returns what Fill says, by set.
func fills(t *testing.T, tb *Table) map[string]Fill {
	t.Helper()
	list, err := tb.Fill()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]Fill)
	for _, f := range list {
		out[f.Set] = f
	}
	return out
}

// TestFillOfEverySet: each set with a size is measured, by us or by the kernel, and says what happens at
// its bound.
func TestFillOfEverySet(t *testing.T) {
	tb := open(t)
	if got := fills(t, tb); len(got) != 0 {
		t.Errorf("without a table: %v", got)
	}
	apply(t, tb, prefixed(), ladder(boottime.Now()))
	got, have := fills(t, tb), tb.Have().Ruleset
	for i := range have.Sets {
		s := &have.Sets[i]
		f, ok := got[s.Name]
		if ok != (s.Size > 0 && !s.Map) {
			t.Errorf("set %s is measured: %t", s.Name, ok)
		}
		if ok && (f.Then == "" || strings.Contains(f.Then, "left out") || f.Most == 0 || f.Full()) {
			t.Errorf("set %s: %+v", s.Name, f)
		}
	}
	if f := got["web_refuse4"]; f.Elements != 1 || f.Most != 1000 || !f.Known {
		t.Errorf("web_refuse4: %+v, want 1 of 1,000", f)
	}
	if f := got["web_rate4"]; f.Known != tb.Features().Count || f.Most != meterSources || f.Fault {
		t.Errorf("web_rate4: %+v, kernel tells: %t", f, tb.Features().Count)
	}
}

// crowded is a decision with more sources than the policy has room for.
func crowded() (*policy.Policy, *policy.Decision) {
	p, d := onePolicy(web()), &policy.Decision{}
	p.Observe.MaxSources = 20
	for i := range 25 {
		d.Limits = append(d.Limits, limit("web", fmt.Sprintf("198.51.100.%d/32", i), true, boottime.Now()+300*second))
	}
	return p, d
}

// TestSetsOfOursAreFullAtHalf: the rest is room for renewals.
func TestSetsOfOursAreFullAtHalf(t *testing.T) {
	tb := open(t)
	p, d := crowded()
	apply(t, tb, p, d)
	if f := fills(t, tb)["web_refuse4"]; !f.Full() || !f.Fault || f.Elements != 20 {
		t.Errorf("web_refuse4: %+v, want it full with 20", f)
	}
}

// TestSetsOfTheKernelAreFullAtTheirSize: elements added by hand count like those that rules add.
func TestSetsOfTheKernelAreFullAtTheirSize(t *testing.T) {
	tb := open(t)
	tb.owned = false
	p, d := crowded()
	apply(t, tb, p, d)
	fill := func(from, to int) Fill {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf("10.0.0.%d", i))
		}
		nft(t, "add element inet ebbgate web_conn4 { "+strings.Join(list, ", ")+" }")
		return fills(t, tb)["web_conn4"]
	}
	told := tb.Features().Count
	if f := fill(0, 39); f.Full() || f.Known != told || told && f.Elements != 39 {
		t.Errorf("web_conn4: %+v, want 39 of 40 where the kernel tells (%t)", f, told)
	}
	if f := fill(39, 40); f.Full() != told {
		t.Errorf("web_conn4: %+v, want it full where the kernel tells (%t)", f, told)
	}
}

// TestFillWithoutItsTable: somebody removed it, which is for Look to notice, and no fault of the sets.
func TestFillWithoutItsTable(t *testing.T) {
	tb := open(t)
	tb.owned = false
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	nft(t, "delete table inet ebbgate")
	if list, err := tb.Fill(); err != nil || tb.features.Count && len(list) > 0 {
		t.Errorf("got %v, %v where the kernel tells sizes: %t", list, err, tb.features.Count)
	}
	told := tb.features.Count
	if c, err := tb.Look(true); err != nil || !c.Lost {
		t.Fatalf("Look = %+v, %v; want the table lost", c, err)
	}
	if got := fills(t, tb); len(got) != 0 || tb.features.Count != told {
		t.Errorf("without a table: %v; the kernel tells sizes: %t, and %t before", got, tb.features.Count, told)
	}
}
