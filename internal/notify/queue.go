package notify

import "slices"

// maxQueue bounds what waits to be told.
const maxQueue = 256

// queue holds what waits, the oldest first. It is bounded: what is pushed out is the oldest of the least
// importance, which may be the new one.
type queue struct {
	bound int
	items []item
}

// push adds an item. What had to go for it is returned; ok says whether something had to.
func (q *queue) push(it item) (gone item, ok bool) {
	q.items = append(q.items, it)
	if len(q.items) <= q.bound {
		return item{}, false
	}
	least := 0
	for i := range q.items {
		if rankOf(&q.items[i].event).importance < rankOf(&q.items[least].event).importance {
			least = i
		}
	}
	gone = q.items[least]
	q.items = slices.Delete(q.items, least, least+1)
	return gone, true
}

// take removes and returns the first n.
func (q *queue) take(n int) []item {
	out := slices.Clone(q.items[:n])
	q.items = slices.Delete(q.items, 0, n)
	return out
}
