package survey

import (
	"context"

	"ebbgate/internal/process"
)

// Held is a result that names sockets by inode and wants to know who holds them.
type Held interface {
	inodes(set map[uint32]struct{})
	fill(found map[uint32][]process.Holder)
}

// LookUp finds the processes that hold the sockets of the given results, in one pass over /proc,
// and writes them into the results. hidden is how many processes the caller may not look into. No
// result, or none with a socket that a process holds, costs nothing.
func LookUp(ctx context.Context, results ...Held) (hidden int, err error) {
	set := make(map[uint32]struct{})
	for _, r := range results {
		r.inodes(set)
	}
	delete(set, 0)
	found, hidden, err := process.Holders(ctx, set)
	for _, r := range results {
		r.fill(found)
	}
	return hidden, err
}

var (
	_ Held = (*Idle)(nil)
	_ Held = (*Queues)(nil)
	_ Held = (*Listeners)(nil)
	_ Held = (*Plan)(nil)
)

func (l *Idle) inodes(set map[uint32]struct{})         { inodesOf(l.Connections, set) }
func (l *Idle) fill(found map[uint32][]process.Holder) { fillIn(l.Connections, found) }

func (q *Queues) inodes(set map[uint32]struct{}) {
	inodesOf(q.Connections, set)
	for i := range q.Listeners {
		set[q.Listeners[i].Inode] = struct{}{}
	}
}

func (q *Queues) fill(found map[uint32][]process.Holder) {
	fillIn(q.Connections, found)
	for i := range q.Listeners {
		q.Listeners[i].Holders = found[q.Listeners[i].Inode]
	}
}

func inodesOf(list []Connection, set map[uint32]struct{}) {
	for i := range list {
		set[list[i].Inode] = struct{}{}
	}
}

func fillIn(list []Connection, found map[uint32][]process.Holder) {
	for i := range list {
		list[i].Holders = found[list[i].Inode]
	}
}

func (p *Plan) inodes(set map[uint32]struct{})         { inodesOf(p.Connections, set) }
func (p *Plan) fill(found map[uint32][]process.Holder) { fillIn(p.Connections, found) }
