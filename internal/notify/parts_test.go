package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// TestEveryKindHasItsPlace: a kind that is new to the daemon has to be placed here, too.
func TestEveryKindHasItsPlace(t *testing.T) {
	for _, k := range control.EventKinds() {
		if _, known := ranks[k]; !known {
			t.Errorf("%s has no class", k)
		}
	}
}

func TestUnknownKindIsTold(t *testing.T) {
	chosen, err := Select(DefaultEvents(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"", "web"} {
		if e := event(1, "brand-new", service); !chosen.has(&e) {
			t.Errorf("an event of service %q that is not known here is not told", service)
		}
	}
}

func TestSelect(t *testing.T) {
	for _, tt := range []struct {
		events, services []string
		event            control.Event
		want             bool
	}{
		{[]string{"attacks"}, nil, began(1, "web"), true},
		{[]string{"attacks"}, nil, event(1, policy.SourceBlocked, "web"), false},
		{[]string{"attacks", "source-blocked"}, nil, event(1, policy.SourceBlocked, "web"), true},
		{[]string{"all"}, nil, event(1, policy.SourceBlocked, "web"), true},
		{[]string{"all"}, []string{"mail"}, began(1, "web"), false},
		{[]string{"all"}, []string{"mail", "web"}, began(1, "web"), true},
		{[]string{"daemon"}, []string{"mail"}, event(1, control.Degraded, ""), true},
		{[]string{"changes"}, nil, event(1, policy.ModeChanged, "web"), true},
		{[]string{"orders"}, nil, event(1, control.Ready, ""), false},
		{[]string{"runs"}, nil, event(1, control.Ready, ""), true},
	} {
		s, err := Select(tt.events, tt.services)
		if err != nil || s.has(&tt.event) != tt.want {
			t.Errorf("%v of %v: %s of %s is told: %t, %v", tt.events, tt.services, tt.event.Event, tt.event.Service, !tt.want, err)
		}
	}
	for _, bad := range [][]string{nil, {"attack"}, {"Attack-Began"}, {"attacks", ""}, {"a b-c"}} {
		if _, err := Select(bad, nil); err == nil || !strings.Contains(err.Error(), "attacks, changes, daemon") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestQueueDropsTheOldestOfTheLeastImportance(t *testing.T) {
	q := queue{bound: 3}
	low := func(id uint64) item { return itemOf(event(id, policy.SourceBlocked, "web")) }
	for _, tt := range []struct {
		push item
		gone uint64
	}{
		{low(1), 0}, {itemOf(began(2, "web")), 0}, {low(3), 0},
		{low(4), 1},
		{itemOf(ended(5, "web")), 3},
		{itemOf(began(6, "x")), 4},
		{low(7), 7},
		{itemOf(began(8, "x")), 5},
		{itemOf(began(9, "x")), 2},
	} {
		gone, full := q.push(tt.push)
		if full != (tt.gone != 0) || gone.event.ID != tt.gone {
			t.Errorf("push %d: %d went, want %d", tt.push.event.ID, gone.event.ID, tt.gone)
		}
	}
	if got := q.take(2); len(got) != 2 || got[0].event.ID != 6 || len(q.items) != 1 {
		t.Errorf("took %v", got)
	}
}

func TestBucket(t *testing.T) {
	b := newBucket(3, time.Minute)
	now := t0
	for _, tt := range []struct {
		pass time.Duration
		left int
	}{{0, 3}, {0, 2}, {30 * time.Second, 1}, {29 * time.Second, 0}, {time.Second, 1}, {90 * time.Second, 1}, {29 * time.Second, 0}, {time.Second, 1}, {time.Hour, 3}} {
		now = now.Add(tt.pass)
		got := b.left(now)
		if got != tt.left {
			t.Fatalf("at %s: %d left, want %d", now.Sub(t0), got, tt.left)
		}
		if got > 0 {
			b.use(now)
		} else if next := b.next(); !next.After(now) || next.Sub(now) > time.Minute {
			t.Errorf("at %s the next is at %s", now.Sub(t0), next.Sub(t0))
		}
	}
	if b := newBucket(1, 0); b.left(t0) != 1 {
		t.Error("a bucket without interval is empty")
	} else if b.use(t0); b.left(t0) != 1 {
		t.Error("a bucket without interval runs dry")
	}
}

func TestFlapping(t *testing.T) {
	f := newFlapping(time.Minute)
	pass := func(at int, e control.Event) bool { return f.pass(itemOf(e), t0.Add(time.Duration(at)*time.Second)) }
	due := func(at int) string {
		var out []string
		for _, it := range f.due(t0.Add(time.Duration(at) * time.Second)) {
			out = append(out, fmt.Sprintf("%d+%d%v", it.event.ID, it.repeats, it.ids))
		}
		return strings.Join(out, " ")
	}
	if !pass(0, began(1, "web")) || !pass(10, ended(2, "web")) || !pass(11, began(3, "mail")) {
		t.Fatal("what comes for the first time is held back")
	}
	if pass(20, began(4, "web")) || pass(30, ended(5, "web")) || pass(40, began(6, "web")) {
		t.Fatal("what repeats passes")
	}
	if got := due(59); got != "" || !f.next().Equal(t0.Add(time.Minute)) {
		t.Errorf("before the end: %s, next %s", got, f.next())
	}
	if got := due(80); got != "6+1[4 6] 5+0[5]" {
		t.Errorf("due: %s", got)
	}
	if pass(100, began(7, "web")) || due(139) != "" || due(140) != "7+0[7]" {
		t.Error("the window did not begin anew")
	}
	if due(300); len(f.spells) != 0 || !f.next().IsZero() {
		t.Errorf("%d subjects remain", len(f.spells))
	}
	for i := range 3 * maxSubjects {
		if !f.pass(itemOf(began(uint64(i), fmt.Sprint(i))), t0) {
			t.Fatalf("subject %d is held back", i)
		}
	}
	if len(f.spells) != maxSubjects {
		t.Errorf("%d subjects, want %d", len(f.spells), maxSubjects)
	}
}

func TestLedger(t *testing.T) {
	var l ledger
	want := func(after uint64, settled ...uint64) {
		t.Helper()
		if l.after != after || !slices.Equal(l.settled(), settled) {
			t.Errorf("after %d, settled %v; want %d, %v", l.after, l.settled(), after, settled)
		}
	}
	l.reset(10)
	if l.see(10, false) || l.see(3, false) || !l.see(12, false) || l.see(13, true) || !l.see(15, false) {
		t.Error("what is new is told wrongly")
	}
	want(10, 13)
	l.settle([]uint64{15, 99})
	want(10, 13, 15)
	var again ledger
	again.restore(l.after, l.settled())
	if l.settle([]uint64{12}); !again.see(12, false) || again.see(13, false) || !again.see(14, false) || again.see(15, false) || again.see(12, true) {
		t.Error("what was restored is told wrongly")
	}
	want(15)
	l = again
	want(13, 15)
	l.read(40)
	l.settle([]uint64{14})
	want(40)
	for id := uint64(41); id < 41+2*maxLedger; id++ {
		l.see(id, id%2 == 0)
	}
	if len(l.open) > maxLedger || l.after < 41 {
		t.Errorf("%d are open after %d", len(l.open), l.after)
	}
}
