package policy

import (
	"net/netip"
	"slices"
)

// Order is something the operator asks for through the control socket. It is part of an Observation,
// so that a recording holds it.
type Order struct {
	Kind      OrderKind
	Exemption Exemption    // of OrderUnexempt: Prefix and Service only
	Block     HandBlock    `json:",omitzero"`  // of OrderBlock; of OrderUnblock: Source and Service only
	Mode      HandMode     `json:",omitzero"`  // of OrderMode; an empty Service is all
	Modes     []HandMode   `json:",omitempty"` // of OrderModes
	Blocks    []BlockState `json:",omitempty"` // of OrderBlocks
}

// OrderKind says what an Order asks for.
type OrderKind string

// The orders.
const (
	OrderExempt   OrderKind = "exempt"   // replaces one of the same prefix and service
	OrderUnexempt OrderKind = "unexempt" // of an exemption that is not there: nothing
	OrderBlock    OrderKind = "block"    // replaces one of the same source and service
	OrderUnblock  OrderKind = "unblock"  // ends blocks and limits of the source and all within it, and forgives strikes
	OrderMode     OrderKind = "mode"     // of one service or all
	OrderConfirm  OrderKind = "confirm"  // modes that would end by themselves stay
	OrderModes    OrderKind = "modes"    // these modes by hand in place of all others
	OrderBlocks   OrderKind = "blocks"   // blocks and strikes are back that a policy on trial ended, of sources without any now
)

// HandBlock is a block the operator orders.
type HandBlock struct {
	Source  netip.Prefix // of any length, masked, unmapped
	Service string       // empty: all that are in enforce mode
	Until   Instant
	Note    string // the operator's own words
}

// endedByHand are the words of what the operator ended.
const endedByHand = "the operator ended it"

// ByHand reports whether the operator ordered the block.
func (b *Block) ByHand() bool { return b.Reason.Rule == RuleByHand }

func (b *BlockState) byHand() bool { return b.Reason.Rule == RuleByHand }

// obey carries out what the operator ordered of blocks, and returns what that leaves of a service's state. What
// this very observation is evidence of comes after the order, also where it comes twice.
func (st *serviceStep) obey(old ServiceState) ServiceState {
	for i := range st.o.Orders {
		order := &st.o.Orders[i]
		if b := &order.Block; b.Service != "" && b.Service != st.service.Name {
			continue
		}
		switch order.Kind {
		case OrderBlock:
			st.blockByHand(&order.Block)
		case OrderUnblock:
			before := len(st.blocks.list) + len(old.Sources) + len(old.Prefixes)
			st.unblock(order.Block.Source)
			old.Sources, old.Prefixes = st.unlimit(order.Block.Source, &old)
			if len(st.blocks.list)+len(old.Sources)+len(old.Prefixes) < before {
				st.deed("freed by hand", order.Block.Source, "")
			}
		case OrderBlocks:
			st.giveBack(order.Blocks)
		}
	}
	return old
}

// blockByHand blocks a source for exactly its time: without jitter, and without a strike. What is exempt as
// a whole is not blocked, nor is anything in shadow mode, which passes every packet.
func (st *serviceStep) blockByHand(h *HandBlock) {
	if st.service.Mode != Enforce || h.Until <= st.o.At || Covers(st.exempt, h.Source) {
		return
	}
	i, known := st.blocks.find(h.Source)
	if !known {
		switch {
		case *st.aside > 0:
			*st.aside--
		case *st.room > 0:
			*st.room--
		default:
			st.unplaced++
			return
		}
		st.blocks.list = slices.Insert(slices.Clone(st.blocks.list), i, BlockState{Service: st.service.Name, Source: h.Source})
		st.blocks.ours = true
	}
	if b := &st.blocks.list[i]; b.byHand() && b.Since == st.o.At && b.Until == h.Until && b.Note == h.Note {
		return
	}
	b := st.blocks.change(i)
	b.Cause, b.Mode, b.Peak, b.Left = "", Enforce, 0, false
	b.Since, b.Until, b.Decay = st.o.At, h.Until, max(b.Decay, h.Until)
	b.Close, b.Counted = true, st.next.Census
	b.Reason, b.Note = Reason{Rule: RuleByHand, At: st.o.At}, h.Note
	why := "for " + Brief(h.Until.Sub(st.o.At))
	if h.Note != "" {
		why += ": " + h.Note
	}
	st.report(Event{Kind: SourceBlocked, Source: h.Source, Count: 1, Reason: b.Reason, Why: why})
	st.deed("blocked by hand", h.Source, why)
}

// within reports whether the whole of a source lies in a prefix.
func within(prefix, source netip.Prefix) bool {
	return prefix.Bits() <= source.Bits() && prefix.Contains(source.Addr())
}

// unblock ends the blocks of a prefix and of sources within it, and forgives their strikes.
func (st *serviceStep) unblock(prefix netip.Prefix) {
	var gone []int
	for i, _ := st.blocks.find(prefix); i < len(st.blocks.list) && prefix.Contains(st.blocks.list[i].Source.Addr()); i++ {
		b := &st.blocks.list[i]
		if b.Since == st.o.At && !b.byHand() {
			continue
		}
		if b.Until > st.o.At {
			st.freed = append(st.freed, Event{Kind: SourceFreed, Source: b.Source, Count: 1, Why: endedByHand})
		}
		gone = append(gone, i)
	}
	st.forget(gone)
}

// unlimit returns what is remembered of sources and prefixes, without those in a prefix: their offences
// begin anew from evidence.
func (st *serviceStep) unlimit(prefix netip.Prefix, old *ServiceState) ([]SourceState, []PrefixState) {
	drop := func(kind Kind, source netip.Prefix) {
		a := st.answer(kind)
		a.drops = append(a.drops, Event{Kind: LimitDropped, Source: source, Count: 1, Why: endedByHand})
		a.ended = "the operator freed its sources"
	}
	sources := make([]SourceState, 0, len(old.Sources))
	for i := range old.Sources {
		src := &old.Sources[i]
		if !within(prefix, src.target()) || st.newer(src.SeenAt, src.Churn.OverAt) {
			sources = append(sources, *src)
			continue
		}
		if src.Hold.raised() {
			drop(ConnectionFlood, src.target())
		}
		if src.Churn.raised() {
			drop(Churn, src.Source)
		}
	}
	prefixes := make([]PrefixState, 0, len(old.Prefixes))
	for i := range old.Prefixes {
		p := &old.Prefixes[i]
		if !within(prefix, p.Prefix) || st.newer(p.SeenAt, 0) {
			prefixes = append(prefixes, *p)
			continue
		}
		if p.Hold.raised() {
			drop(ConnectionFlood, p.Prefix)
		}
	}
	return sources, prefixes
}

// newer reports whether something was last judged by this observation: by its census, or by its count of what
// ends.
func (st *serviceStep) newer(counted, ended Instant) bool {
	return st.census != nil && counted == st.o.Census.From || st.o.Endings.Taken && ended == st.next.Endings
}
