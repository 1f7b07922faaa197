package nftwire

import (
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Element is one element of a set or verdict map, as it is added or deleted.
type Element struct {
	// Key is what is looked up, in network order, at most 64 bytes (NFT_DATA_VALUE_MAXLEN).
	Key []byte
	// Timeout is how long the element lives, in whole milliseconds, rounded down. Below one
	// millisecond it is not sent, and the element lives for ever or as the set says by default.
	Timeout time.Duration
	// Jump is the chain a verdict map leads to; "" in a set.
	Jump string
	// IntervalEnd says that Key is the first one beyond an interval.
	IntervalEnd bool
}

// Elements writes elements of one set, in as many messages as they need: the list of a message is
// one attribute, which cannot have more than 64 KiB. End ends it; without an element there is no
// message.
type Elements struct {
	b           *Batch
	kind, flags uint16
	table, set  string
	list        int // where the open list begins; 0: there is none
}

// AddElements begins to add elements to a set of a table.
func (b *Batch) AddElements(table, set string) Elements {
	return Elements{b: b, kind: unix.NFT_MSG_NEWSETELEM, flags: unix.NLM_F_CREATE, table: table, set: set}
}

// DeleteElements begins to delete elements of a set of a table. The kernel refuses to delete what
// is not there.
func (b *Batch) DeleteElements(table, set string) Elements {
	return Elements{b: b, kind: unix.NFT_MSG_DELSETELEM, table: table, set: set}
}

// destroyElements is NFT_MSG_DESTROYSETELEM of linux/netfilter/nf_tables.h, new in Linux 6.3 and
// missing from x/sys/unix.
const destroyElements = 30

// DestroyElements begins to delete elements of a set of a table that need not be there. Kernels before
// Linux 6.3 refuse the message (unix.EINVAL).
func (b *Batch) DestroyElements(table, set string) Elements {
	return Elements{b: b, kind: destroyElements, table: table, set: set}
}

// ElementSize is the room an element takes in a batch, but for the messages around it.
func ElementSize(key int, timeout bool, jump string) int {
	size := 3*unix.NLA_HDRLEN + nlwire.Align(key)
	if timeout {
		size += unix.NLA_HDRLEN + 8
	}
	if jump != "" {
		size += 4*unix.NLA_HDRLEN + 4 + nlwire.Align(len(jump)+1)
	}
	return size
}

// Put writes one element. Nothing of it is kept.
func (w *Elements) Put(e *Element) {
	// The flags of an interval's end take the room that no timeout takes there.
	room := ElementSize(len(e.Key), true, e.Jump)
	if w.list != 0 && len(w.b.buf)-w.list+room > nlwire.MostAttr {
		w.End()
	}
	if w.list == 0 {
		w.b.Begin(w.kind, w.flags)
		w.b.Text(unix.NFTA_SET_ELEM_LIST_TABLE, w.table)
		w.b.Text(unix.NFTA_SET_ELEM_LIST_SET, w.set)
		w.list = w.b.Nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	}
	w.b.element(e)
}

// End ends the list.
func (w *Elements) End() {
	if w.list != 0 {
		w.b.Unnest(w.list)
		w.list = 0
	}
}

func (b *Batch) element(e *Element) {
	element := b.Nest(unix.NFTA_LIST_ELEM)
	if e.IntervalEnd {
		b.Uint32(unix.NFTA_SET_ELEM_FLAGS, unix.NFT_SET_ELEM_INTERVAL_END)
	}
	key := b.Nest(unix.NFTA_SET_ELEM_KEY)
	b.Bytes(unix.NFTA_DATA_VALUE, e.Key)
	b.Unnest(key)
	if ms := e.Timeout.Milliseconds(); ms > 0 {
		b.Uint64(unix.NFTA_SET_ELEM_TIMEOUT, uint64(ms))
	}
	if e.Jump != "" {
		data := b.Nest(unix.NFTA_SET_ELEM_DATA)
		verdict := b.Nest(unix.NFTA_DATA_VERDICT)
		jump := int32(unix.NFT_JUMP)
		b.Uint32(unix.NFTA_VERDICT_CODE, uint32(jump))
		b.Text(unix.NFTA_VERDICT_CHAIN, e.Jump)
		b.Unnest(verdict)
		b.Unnest(data)
	}
	b.Unnest(element)
}

// KeyAt returns the key of the element at an offset of a message, which is where a Refusal says the
// fault is; nil if there is no element. It points into the batch.
func (b *Batch) KeyAt(message int, offset uint32) []byte {
	if message < 0 || message >= len(b.starts) {
		return nil
	}
	m := nlwire.Messages{Rest: b.buf[b.starts[message]:]}
	at := int(offset) - unix.NLMSG_HDRLEN // negative on 32 bits if it is absurd
	if !m.Next() || at < nlwire.NetfilterHeader || at >= len(m.Body) {
		return nil
	}
	element := nlwire.Attrs{Rest: m.Body[at:]}
	if !element.Next() || element.Kind != unix.NFTA_LIST_ELEM {
		return nil
	}
	for a := (nlwire.Attrs{Rest: element.Value}); a.Next(); {
		if a.Kind != unix.NFTA_SET_ELEM_KEY {
			continue
		}
		if v := (nlwire.Attrs{Rest: a.Value}); v.Next() && v.Kind == unix.NFTA_DATA_VALUE {
			return v.Value
		}
	}
	return nil
}
