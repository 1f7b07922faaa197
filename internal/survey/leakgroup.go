package survey

import (
	"cmp"
	"slices"

	"ebbgate/internal/process"
)

var _ Held = (*Leaks)(nil)

func (l *Leaks) inodes(set map[uint32]struct{}) {
	for i := range l.sockets {
		set[l.sockets[i].inode] = struct{}{}
	}
}

// program is what leaked sockets are grouped by: workers of one server are one culprit.
type program struct {
	name, unit string // empty: not known
	uid        uint32
	place      place
}

// group is a Leak in the making.
type group struct {
	leak Leak
	pids map[int]struct{}
}

func (l *Leaks) fill(found map[uint32][]process.Holder) {
	groups := make(map[program]*group)
	for i := range l.sockets {
		s := &l.sockets[i]
		p := program{uid: s.uid, place: s.place}
		var holder process.Holder
		if h := found[s.inode]; len(h) > 0 {
			holder = h[0]
			p.name, p.unit = holder.Name, holder.Unit
		}
		g := groups[p]
		if g == nil {
			g = &group{pids: make(map[int]struct{}), leak: Leak{UID: s.uid, Inbound: s.place.port != 0, Port: s.place.port, Remote: s.place.remote}}
			groups[p] = g
		}
		g.add(s, holder)
	}
	l.Groups = l.Groups[:0]
	for _, g := range groups {
		g.leak.Processes = len(g.pids)
		l.Groups = append(l.Groups, g.leak)
	}
	slices.SortFunc(l.Groups, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(b.Sockets, a.Sockets), cmp.Compare(a.Process.Name, b.Process.Name), cmp.Compare(a.UID, b.UID),
			cmp.Compare(a.Process.Unit, b.Process.Unit), cmp.Compare(a.Port, b.Port), a.Remote.Compare(b.Remote))
	})
}

func (g *group) add(s *leaked, holder process.Holder) {
	g.leak.Sockets++
	g.leak.Oldest = max(g.leak.Oldest, s.age)
	switch {
	case !s.accepted:
		g.leak.NotAccepted++
	case s.unread:
		g.leak.Unread++
	}
	if holder.PID == 0 {
		return
	}
	g.pids[holder.PID] = struct{}{}
	if most := &g.leak.Process; most.PID == 0 || holder.Files > most.Files || holder.Files == most.Files && holder.PID < most.PID {
		*most = holder
	}
}
