package setdump

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Element is one element of a set or map. The Element a callback is given is reused for the next
// one, and so are the bytes of Key and Jump: copy what is to be kept.
type Element struct {
	// Key is what is looked up, as it is on the wire: 4 bytes of an IPv4 address, 16 of an IPv6
	// one; the parts of a concatenation are padded to four bytes each. It is empty for the
	// catch-all element.
	Key []byte
	// IntervalEnd says that Key is the first one beyond an interval, which another element
	// begins; it is no member of its own. Only sets with intervals have such elements.
	IntervalEnd bool
	// Jump is the chain to which the element of a verdict map leads; empty: none. Its bytes are the
	// kernel's, like those of Key.
	Jump []byte
	// Timeout is how long the element lives. It is 0 if it lives for ever, and on newer kernels
	// also if it lives for as long as the set says by default.
	Timeout time.Duration
	// Expires is when the element times out, from now; 0 if never.
	Expires time.Duration
	// HasCounter says whether the element counts, in Packets and Bytes.
	HasCounter     bool
	Packets, Bytes uint64
}

// elementExpressions is NFTA_SET_ELEM_EXPRESSIONS of linux/netfilter/nf_tables.h: a list, where an
// element has more than one expression. It is missing from x/sys/unix.
const elementExpressions = 11

// decodeElements calls each for the elements in the body of one message, always with e, and
// reports whether it was all understood. Nothing of b is kept but in e.Key and e.Jump.
func decodeElements(b []byte, e *Element, each func(*Element)) bool {
	if len(b) < nlwire.NetfilterHeader {
		return false
	}
	a := nlwire.Attrs{Rest: b[nlwire.NetfilterHeader:]}
	for a.Next() {
		if a.Kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		list := nlwire.Attrs{Rest: a.Value}
		for list.Next() {
			if !e.decode(list.Value) {
				return false
			}
			each(e)
		}
		if !list.Whole() {
			return false
		}
	}
	return a.Whole()
}

// decode fills e from the attributes of one element and reports whether they add up. Kinds it does
// not know are skipped.
func (e *Element) decode(b []byte) bool {
	*e = Element{}
	ok := true
	a := nlwire.Attrs{Rest: b}
	for ok && a.Next() {
		switch a.Kind {
		case unix.NFTA_SET_ELEM_KEY:
			ok = e.decodeKey(a.Value)
		case unix.NFTA_SET_ELEM_DATA:
			ok = e.decodeJump(a.Value)
		case unix.NFTA_SET_ELEM_FLAGS:
			if ok = len(a.Value) == 4; ok {
				e.IntervalEnd = binary.BigEndian.Uint32(a.Value)&unix.NFT_SET_ELEM_INTERVAL_END != 0
			}
		case unix.NFTA_SET_ELEM_TIMEOUT:
			ok = duration(a.Value, &e.Timeout)
		case unix.NFTA_SET_ELEM_EXPIRATION:
			ok = duration(a.Value, &e.Expires)
		case unix.NFTA_SET_ELEM_EXPR:
			ok = e.decodeExpression(a.Value)
		case elementExpressions:
			list := nlwire.Attrs{Rest: a.Value}
			for ok && list.Next() {
				ok = e.decodeExpression(list.Value)
			}
			ok = ok && list.Whole()
		}
	}
	return ok && a.Whole()
}

// decodeKey takes the value out of the nested attribute of a key.
func (e *Element) decodeKey(b []byte) bool {
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		if a.Kind == unix.NFTA_DATA_VALUE {
			e.Key = a.Value
		}
	}
	return a.Whole() && len(e.Key) > 0
}

// decodeJump takes the chain out of the verdict of an element, and skips other data and verdicts.
func (e *Element) decodeJump(b []byte) bool {
	data := nlwire.Attrs{Rest: b}
	for data.Next() {
		if data.Kind != unix.NFTA_DATA_VERDICT {
			continue
		}
		jumps := false
		var chain []byte
		a := nlwire.Attrs{Rest: data.Value}
		for a.Next() {
			switch {
			case a.Kind == unix.NFTA_VERDICT_CODE && len(a.Value) == 4:
				jumps = int32(binary.BigEndian.Uint32(a.Value)) == unix.NFT_JUMP
			case a.Kind == unix.NFTA_VERDICT_CHAIN:
				chain = bytes.TrimRight(a.Value, "\x00")
			}
		}
		if !a.Whole() {
			return false
		}
		if jumps {
			e.Jump = chain
		}
	}
	return data.Whole()
}

// decodeExpression takes the counts out of a counter and skips other expressions.
func (e *Element) decodeExpression(b []byte) bool {
	var name, data []byte
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		switch a.Kind {
		case unix.NFTA_EXPR_NAME:
			name = a.Value
		case unix.NFTA_EXPR_DATA:
			data = a.Value
		}
	}
	if !a.Whole() {
		return false
	}
	if string(name) != "counter\x00" {
		return true
	}
	e.HasCounter = true
	ok := true
	a = nlwire.Attrs{Rest: data}
	for ok && a.Next() {
		switch a.Kind {
		case unix.NFTA_COUNTER_PACKETS:
			ok = number(a.Value, &e.Packets)
		case unix.NFTA_COUNTER_BYTES:
			ok = number(a.Value, &e.Bytes)
		}
	}
	return ok && a.Whole()
}

// number reads a 64-bit number; nf_tables has all of them in network order.
func number(b []byte, to *uint64) bool {
	if len(b) != 8 {
		return false
	}
	*to = binary.BigEndian.Uint64(b)
	return true
}

// duration reads a number of milliseconds. One that is too long for a time.Duration becomes the
// longest.
func duration(b []byte, to *time.Duration) bool {
	var ms uint64
	if !number(b, &ms) {
		return false
	}
	*to = time.Duration(min(ms, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
	return true
}
