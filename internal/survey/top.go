package survey

import "slices"

// MaxTop is the most sockets a list may have.
const MaxTop = 10000

// top keeps the items with the greatest weights, of any number that are added, in memory for twice
// as many as it keeps.
type top[T any] struct {
	keep  int
	least uint64 // weight that an item must exceed to be among those kept; 0 until that is known
	full  bool
	items []weighted[T]
}

type weighted[T any] struct {
	weight uint64
	item   T
}

// wants reports whether an item of that weight would be kept, for callers to whom making the item
// costs something.
func (t *top[T]) wants(weight uint64) bool { return t.keep > 0 && (!t.full || weight > t.least) }

// add takes an item. Of items of the same weight the first come first.
func (t *top[T]) add(weight uint64, item T) {
	if !t.wants(weight) {
		return
	}
	t.items = append(t.items, weighted[T]{weight, item})
	if len(t.items) >= 2*t.keep {
		t.trim()
	}
}

// trim drops what is too light.
func (t *top[T]) trim() {
	slices.SortStableFunc(t.items, func(a, b weighted[T]) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	if len(t.items) >= t.keep {
		clear(t.items[t.keep:])
		t.items = t.items[:t.keep]
		t.full = t.keep > 0
	}
	if t.full {
		t.least = t.items[t.keep-1].weight
	}
}

// list returns the items kept, heaviest first.
func (t *top[T]) list() []T {
	t.trim()
	out := make([]T, len(t.items))
	for i, w := range t.items {
		out[i] = w.item
	}
	return out
}
