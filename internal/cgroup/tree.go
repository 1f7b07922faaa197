package cgroup

import (
	"time"

	"ebbgate/policy"
)

const (
	// maxKnown bounds the ids remembered, with their paths or as not found.
	maxKnown = 16384
	// perCall is how many directories one call of Find reads at most.
	perCall = 16
	// firstPause and lastPause are the times between two walks for an id that is not found, doubled
	// each time. No walk starts within firstPause of the last.
	firstPause = 10 * time.Second
	lastPause  = 10 * time.Minute
)

// Tree finds the units of control groups by the ids of the groups. It belongs to one goroutine.
//
// An id is looked for by walking the mount from its root, breadth first: units of the system are found
// at once, those deep in a container later, and what lies beyond maxDirectories never. An id that a walk
// did not find is looked for again later, and seldom if it stays unknown, as that of a group that was
// removed while a socket remains. The kernel does not use an id for another group, and a group keeps
// its path, so what was found stays true.
type Tree struct {
	known map[uint64]group
	walk  walk
	next  policy.Instant // no walk starts before
}

// group is what is known of one id.
type group struct {
	found bool
	unit  Unit
	retry policy.Instant // of one not found: when to look again
	pause time.Duration  // of one not found: since the last look
}

// NewTree returns a Tree of a cgroup2 mount, as Mount found it. Without one ("") it finds nothing.
func NewTree(mount string) *Tree {
	return &Tree{known: make(map[uint64]group), walk: walk{mount: mount}}
}

// Find looks for the groups of the given ids, of which none may be 0, and goes on with the walk that
// takes, reading at most 16 directories. It costs a few map look-ups when all are known. Unit tells
// what is known afterwards.
func (t *Tree) Find(now policy.Instant, ids []uint64) {
	if t.walk.mount == "" {
		return
	}
	if len(t.known)+len(ids) > maxKnown {
		t.forget(ids)
	}
	if !t.walk.running() {
		if !t.due(now, ids) {
			return
		}
		t.walk.start()
		t.next = now.Add(firstPause)
	}
	if !t.walk.advance(perCall, t.found(ids)) {
		t.miss(now, ids)
	}
}

// Unit returns the unit a group stands for, or none if the group is not known: not found yet, beyond
// the bounds, or removed.
func (t *Tree) Unit(id uint64) Unit { return t.known[id].unit }

// due reports whether an id should be looked for.
func (t *Tree) due(now policy.Instant, ids []uint64) bool {
	if now < t.next {
		return false
	}
	for _, id := range ids {
		if g, ok := t.known[id]; !ok || !g.found && now >= g.retry {
			return true
		}
	}
	return false
}

// found returns what takes the groups of a walk: it notes those asked for, and says whether any is left.
func (t *Tree) found(ids []uint64) func(id uint64, path string) (more bool) {
	missing := make(map[uint64]struct{})
	for _, id := range ids {
		if !t.known[id].found {
			missing[id] = struct{}{}
		}
	}
	return func(id uint64, path string) bool {
		if _, ok := missing[id]; ok && len(t.known) < maxKnown {
			t.known[id] = group{found: true, unit: UnitOf(path)}
			delete(missing, id)
		}
		return len(missing) > 0
	}
}

// miss notes, at the end of a walk, those it did not find.
func (t *Tree) miss(now policy.Instant, ids []uint64) {
	for _, id := range ids {
		g, ok := t.known[id]
		if g.found || !ok && len(t.known) >= maxKnown {
			continue
		}
		g.pause = min(max(2*g.pause, firstPause), lastPause)
		g.retry = now.Add(g.pause)
		t.known[id] = g
	}
}

// forget leaves of what is known only what is asked for.
func (t *Tree) forget(ids []uint64) {
	kept := make(map[uint64]group)
	for _, id := range ids {
		if g, ok := t.known[id]; ok {
			kept[id] = g
		}
	}
	t.known = kept
}
