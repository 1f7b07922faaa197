package policy

import (
	"net/netip"
	"slices"
)

// blockMemo is what one step found out about a service's blocks and the next may rely on while nothing
// about them changes, so that a turn with a million blocks in force costs no more than one without. It
// follows from the state: a step without it comes to the same decision, and it is never saved.
type blockMemo struct {
	service string
	policy  *Policy
	exempt  []netip.Prefix
	list    []BlockState // that it is about: this very slice, not its like
	until   Instant      // when the first of them ends or is forgiven a strike
	ends    Instant      // when the first of those in force ends; 0: none is
	newest  []newestOf   // of those in force that were decided since the daemon started
	census  Instant      // the newest when decided was made
	closes  bool         // any of decided is to be closed
	decided []Block
}

// newestOf is when the newest block that answers a kind of attack began.
type newestOf struct {
	cause Kind
	since Instant
}

// memo returns what the last step found out about the service's blocks, or nil if something has changed
// since: what is blocked, what is exempt, what the policy says, or a time that has come.
func (st *serviceStep) memo() *blockMemo {
	for i := range st.prev.memos {
		m := &st.prev.memos[i]
		if m.service == st.service.Name && m.policy == st.policy && st.o.At < m.until && identical(m.list, st.blocks.list) &&
			slices.Equal(m.exempt, st.exempt) {
			return m
		}
	}
	return nil
}

// identical reports whether two lists are one and the same, which is known at a glance however long they are.
func identical[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// newestBlocks returns when the newest block in force that answers each kind of attack began. One of
// before the daemon started answers none of which it knows.
func (st *serviceStep) newestBlocks() []newestOf {
	if m := st.memo(); m != nil {
		return m.newest
	}
	var list []newestOf
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		if b.Until <= st.o.At || b.Since < st.next.Begun || b.Reason.Rule == RuleInherited || b.byHand() || b.Back {
			continue
		}
		at := slices.IndexFunc(list, func(n newestOf) bool { return n.cause == b.Cause })
		if at < 0 {
			at, list = len(list), append(list, newestOf{cause: b.Cause})
		}
		list[at].since = max(list[at].since, b.Since)
	}
	return list
}

// decideBlocks adds the blocks in force.
func (st *serviceStep) decideBlocks() {
	if len(st.blocks.list) == 0 {
		return
	}
	m := st.memo()
	if m == nil || m.closes && m.census != st.next.Census {
		m = st.newMemo()
	}
	if m.ends != 0 && (st.out.Next == 0 || m.ends < st.out.Next) {
		st.out.Next = m.ends
	}
	st.next.memos = append(st.next.memos, *m)
}

// newMemo looks at all blocks of the service.
func (st *serviceStep) newMemo() *blockMemo {
	m := &blockMemo{service: st.service.Name, policy: st.policy, exempt: st.exempt, newest: st.newestBlocks(), census: st.next.Census,
		decided: make([]Block, 0, len(st.blocks.list))}
	first := func(at *Instant, t Instant) {
		if *at == 0 || t < *at {
			*at = t
		}
	}
	if st.again {
		m.until = st.o.At
	}
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		first(&m.until, b.Decay)
		if b.Until <= st.o.At {
			continue
		}
		first(&m.until, b.Until)
		first(&m.ends, b.Until)
		d := Block{Service: b.Service, Source: b.Source, Mode: st.service.Mode, Close: b.Close && b.Counted >= st.next.Census,
			Counted: b.Counted, Strikes: b.Strikes, Since: b.Since, Until: b.Until, Reason: b.Reason, Note: b.Note}
		m.closes = m.closes || d.Close
		m.decided = append(m.decided, d)
	}
	if m.decided = slices.Clip(m.decided); len(m.decided) == 0 {
		m.decided = nil
	}
	return m
}

// joinBlocks returns the blocks in force of all services, the very list of before if none of them changed.
func (s *State) joinBlocks(prev *State) []Block {
	if len(s.memos) == 0 {
		return nil
	}
	if len(s.memos) == 1 {
		return s.memos[0].decided
	}
	same := func(a, b blockMemo) bool { return identical(a.decided, b.decided) }
	if s.joined = prev.joined; slices.EqualFunc(s.memos, prev.memos, same) && s.joined != nil {
		return s.joined
	}
	lists := make([][]Block, len(s.memos))
	for i := range s.memos {
		lists[i] = s.memos[i].decided
	}
	s.joined = slices.Clip(slices.Concat(lists...))
	return s.joined
}

// keepBlocks makes the blocks of all services one list again, the very one of before if none changed.
func (s *State) keepBlocks(before []BlockState, lists [][]BlockState) {
	s.Blocks = before
	rest, same := before, true
	for _, list := range lists {
		n := min(len(list), len(rest))
		same = same && identical(list, rest[:n])
		rest = rest[n:]
	}
	if !same || len(rest) > 0 {
		s.Blocks = slices.Concat(lists...)
	}
	for i := range s.memos {
		s.memos[i].list = blocksOf(s.Blocks, s.memos[i].service).list
	}
}
