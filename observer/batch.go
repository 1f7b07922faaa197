package observer

// batchSize is how many connections are counted at a time.
const batchSize = 64

// batch counts connections in a tally some at a time. While the kernel fills the next buffer it
// pushes the tally out of the processor's near caches, so waiting for memory is most of what
// counting costs. A batch asks for all its slots before it looks at the first, so that it waits
// for them together: half the time for each connection.
type batch struct {
	visits [batchSize]visit
	n      int
	asked  uint8 // nobody reads it: it keeps the compiler from leaving the asking out
}

// add counts one connection, at the latest when settle is called.
func (b *batch) add(t *tally, g *grouping, service int, remote address, held bool) {
	t.prepare(&b.visits[b.n], g, service, remote, held)
	if b.n++; b.n == batchSize {
		b.settle(t, g)
	}
}

// settle counts what was added and is not counted yet. It must be called before the tally is
// read or reset.
func (b *batch) settle(t *tally, g *grouping) {
	visits := b.visits[:b.n]
	b.n = 0
	mask, asked := uint64(len(t.slots)-1), uint8(0)
	for i := range visits {
		asked |= t.slots[visits[i].hash&mask].flags
	}
	b.asked = asked
	for i := range visits {
		t.count(g, &visits[i])
	}
}
