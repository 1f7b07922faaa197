package demo

import (
	"slices"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// TestEndsThatComeBack has a table that outlives the attack, and both come back once.
func TestEndsThatComeBack(t *testing.T) {
	p := newPlayOf(t, churn())
	add, remove := tableOf(t, p, "ebbgate")
	attack := []control.Attack{{Kind: policy.Churn}}
	add()
	nstest.Await(t, "the table to be seen", p.table.Present)
	p.told.Attacks, p.result.floodEnd = attack, time.Now()
	step := func(attacks []control.Attack) {
		p.told.Attacks = attacks
		p.announceEnds()
	}
	gone := func() bool { _, gone := p.tableGone(); return gone }
	step(attack)
	step(nil)
	overAt := p.left.overAt
	step(attack)
	step(nil)
	if !p.left.overAt.After(overAt) {
		t.Error("the end of an attack that came back is its first end")
	}
	remove()
	nstest.Await(t, "the table to be gone", gone)
	step(nil)
	add()
	nstest.Await(t, "the table to be there again", p.table.Present)
	step(nil)
	if p.clean() {
		t.Error("clean while there is a table")
	}
	remove()
	nstest.Await(t, "the table to be gone again", gone)
	step(nil)
	over := "ebbgate sees no attack any more; it goes on counting SYNs for up to a minute"
	tableGone := "the table is gone: nothing is limited any more"
	if want := []string{over, "ebbgate sees an attack again", over, tableGone, "the table is there again", tableGone}; !slices.Equal(p.line.notes, want) {
		t.Errorf("announced %q, want %q", p.line.notes, want)
	}
	p.measureEnds()
	at, _ := p.tableGone()
	if r := p.result; !r.Peace || r.Clean != at.Sub(r.floodEnd) || r.AttackOver >= r.TableGone {
		t.Errorf("result %+v, want peace since the table went the last time", r)
	}
}

// TestEndsWhileTheFloodGoesOn are not announced, but known when it ends.
func TestEndsWhileTheFloodGoesOn(t *testing.T) {
	p := newPlay(t)
	add, remove := tableOf(t, p, "ebbgate")
	add()
	nstest.Await(t, "the table to be seen", p.table.Present)
	remove()
	nstest.Await(t, "the table to be gone", func() bool { _, gone := p.tableGone(); return gone })
	p.announceEnds()
	if len(p.line.notes) != 0 {
		t.Errorf("announced %q before the end of the flood", p.line.notes)
	}
	p.result.floodEnd = time.Now()
	p.announceEnds()
	if len(p.line.notes) != 2 {
		t.Errorf("announced %q, want both ends", p.line.notes)
	}
	if p.measureEnds(); !p.result.Peace || p.result.Clean != 0 {
		t.Errorf("result %+v, want peace at once", p.result)
	}
}

// TestADaemonThatDoesNotAnswerEndsNothing asks one that is not there any more.
func TestADaemonThatDoesNotAnswerEndsNothing(t *testing.T) {
	p := newPlay(t)
	p.told = control.Service{Name: "shop", Attacks: []control.Attack{{Kind: policy.Churn}}}
	p.look(t.Context())
	if len(p.told.Attacks) != 1 {
		t.Errorf("no answer was taken for %+v", p.told)
	}
}
