package notify

import (
	"net/netip"
	"time"

	"ebbgate/policy"
)

// maxSubjects bounds what flapping is told by. Beyond it events pass.
const maxSubjects = 1024

// subject is what an event is about, whenever it happens.
type subject struct {
	event   policy.EventKind
	service string
	kind    policy.Kind
	source  netip.Prefix
	rule    string
	part    string
}

// spell is a time during which one subject is told of no more.
type spell struct {
	until time.Time
	held  *item // the newest of it; nil: none came
}

// flapping holds back what was told a moment ago, until its window is over. Then the newest of it is told,
// with how often it happened: so what was told last is never older than the window.
type flapping struct {
	window time.Duration // 0: nothing is held back
	spells map[subject]*spell
}

func newFlapping(window time.Duration) *flapping {
	return &flapping{window: window, spells: make(map[subject]*spell)}
}

// pass reports whether an item is to be told now. Otherwise it is kept.
func (f *flapping) pass(it item, now time.Time) bool {
	if f.window <= 0 {
		return true
	}
	e := &it.event
	key := subject{e.Event, e.Service, e.Kind, e.Source, e.Rule, e.Part}
	s := f.spells[key]
	switch {
	case s == nil && len(f.spells) >= maxSubjects:
		return true
	case s == nil:
		f.spells[key] = &spell{until: now.Add(f.window)}
		return true
	case s.held != nil:
		it.ids = append(s.held.ids, it.ids...)
		it.repeats = s.held.repeats + 1
	}
	s.held = &it
	return false
}

// due returns what was held back long enough, and begins its window anew. Others of one window come
// in the order in which their windows end.
func (f *flapping) due(now time.Time) []item {
	var out []item
	for {
		var first *spell
		for key, s := range f.spells {
			switch {
			case now.Before(s.until):
			case s.held == nil:
				delete(f.spells, key)
			case first == nil || s.until.Before(first.until) || s.until.Equal(first.until) && s.held.event.ID < first.held.event.ID:
				first = s
			}
		}
		if first == nil {
			return out
		}
		out = append(out, *first.held)
		first.held, first.until = nil, now.Add(f.window)
	}
}

// next returns when something held back is to be told; the zero time means nothing is.
func (f *flapping) next() time.Time {
	var t time.Time
	for _, s := range f.spells {
		if s.held != nil && (t.IsZero() || s.until.Before(t)) {
			t = s.until
		}
	}
	return t
}
