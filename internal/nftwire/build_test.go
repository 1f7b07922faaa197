package nftwire

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// message is one message of a batch, as a reader sees it.
type message struct {
	kind, flags uint16
	seq         uint32
	body        []byte // without struct nfgenmsg
	family      byte
	resID       uint16
}

// read walks the messages of a sealed batch.
func read(tb testing.TB, b []byte) []message {
	tb.Helper()
	var all []message
	m := nlwire.Messages{Rest: b}
	for m.Next() {
		if len(m.Body) < nlwire.NetfilterHeader {
			tb.Fatalf("message %d has no struct nfgenmsg", len(all))
		}
		all = append(all, message{kind: m.Kind, flags: m.Flags, seq: m.Seq, body: m.Body[nlwire.NetfilterHeader:],
			family: m.Body[0], resID: binary.BigEndian.Uint16(m.Body[2:])})
	}
	if !m.Whole() {
		tb.Fatalf("%d bytes at the end are no message", len(m.Rest))
	}
	return all
}

// list is what a message about elements says.
type list struct {
	add        bool
	table, set string
	elements   []Element
}

// lists decodes the messages about elements of a sealed batch.
func lists(tb testing.TB, b []byte) []list {
	tb.Helper()
	var all []list
	for _, m := range read(tb, b) {
		kind := m.kind &^ (unix.NFNL_SUBSYS_NFTABLES << 8)
		if kind != unix.NFT_MSG_NEWSETELEM && kind != unix.NFT_MSG_DELSETELEM {
			continue
		}
		l := list{add: kind == unix.NFT_MSG_NEWSETELEM}
		each(tb, m.body, func(kind uint16, v []byte) {
			switch kind {
			case unix.NFTA_SET_ELEM_LIST_TABLE:
				l.table = printable(v)
			case unix.NFTA_SET_ELEM_LIST_SET:
				l.set = printable(v)
			case unix.NFTA_SET_ELEM_LIST_ELEMENTS:
				each(tb, v, func(_ uint16, v []byte) { l.elements = append(l.elements, element(tb, v)) })
			default:
				tb.Fatalf("unknown attribute %d", kind)
			}
		})
		all = append(all, l)
	}
	return all
}

// element decodes one element.
func element(tb testing.TB, b []byte) (e Element) {
	tb.Helper()
	each(tb, b, func(kind uint16, v []byte) {
		switch kind {
		case unix.NFTA_SET_ELEM_KEY:
			each(tb, v, func(_ uint16, v []byte) { e.Key = v })
		case unix.NFTA_SET_ELEM_TIMEOUT:
			e.Timeout = time.Duration(binary.BigEndian.Uint64(v)) * time.Millisecond
		case unix.NFTA_SET_ELEM_FLAGS:
			e.IntervalEnd = binary.BigEndian.Uint32(v) == unix.NFT_SET_ELEM_INTERVAL_END
		case unix.NFTA_SET_ELEM_DATA:
			each(tb, v, func(_ uint16, v []byte) {
				each(tb, v, func(kind uint16, v []byte) {
					if kind == unix.NFTA_VERDICT_CHAIN {
						e.Jump = printable(v)
					}
				})
			})
		default:
			tb.Fatalf("unknown attribute %d of an element", kind)
		}
	})
	return e
}

// each walks attributes, all of which must be whole.
func each(tb testing.TB, b []byte, f func(kind uint16, v []byte)) {
	tb.Helper()
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		f(a.Kind, a.Value)
	}
	if !a.Whole() {
		tb.Fatalf("%d bytes are no attribute: %x", len(a.Rest), a.Rest)
	}
}

// answer builds an error or acknowledgement as the kernel sends it; code is the errno or 0.
func answer(seq uint32, code unix.Errno, flags uint16, rest ...byte) []byte {
	b := nlwire.AppendHeader(nil, unix.NLMSG_ERROR, flags, seq, 4+len(rest))
	b = binary.NativeEndian.AppendUint32(b, uint32(-int32(code)))
	b = append(b, rest...)
	return append(b, make([]byte, nlwire.Align(len(b))-len(b))...)
}

// explained is the rest of an answer with NLM_F_CAPPED and NLM_F_ACK_TLVS.
func explained(text string, offset uint32) []byte {
	b := make([]byte, unix.NLMSG_HDRLEN)
	b = nlwire.AppendString(b, unix.NLMSGERR_ATTR_MSG, text)
	return nlwire.AppendBytes(b, unix.NLMSGERR_ATTR_OFFS, binary.NativeEndian.AppendUint32(nil, offset))
}
