package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Messages walks the messages (struct nlmsghdr) of a datagram. Set Rest to its bytes and call Next
// until it returns false:
//
//	for m := (nlwire.Messages{Rest: b}); m.Next(); { ... }
//
// It allocates nothing; Body points into the bytes it was given.
type Messages struct {
	Kind  uint16 // nlmsg_type
	Flags uint16 // NLM_F_...
	Seq   uint32 // of the request that is answered; 0 if none is
	Body  []byte // what follows the header, without padding
	Rest  []byte // what is still to be read; after the last Next: what is no message
}

// Next moves on to the next message and reports whether there is one. If the lengths do not add
// up, it returns false and Whole does too.
func (m *Messages) Next() bool {
	b := m.Rest
	if len(b) < unix.NLMSG_HDRLEN {
		return false
	}
	size := int(binary.NativeEndian.Uint32(b)) // negative on 32 bits if it is absurd
	if size < unix.NLMSG_HDRLEN || size > len(b) {
		return false
	}
	m.header(b)
	m.Body = b[unix.NLMSG_HDRLEN:size]
	m.Rest = b[min(Align(size), len(b)):]
	return true
}

// Cut takes, once Next has returned false, the beginning of a message whose end is missing: its
// header, and what there is of its body. It reports whether the header is there. Only the caller
// knows that the datagram was cut off, and that what is left is no message of another kind.
func (m *Messages) Cut() bool {
	if len(m.Rest) < unix.NLMSG_HDRLEN {
		return false
	}
	m.header(m.Rest)
	m.Body = m.Rest[unix.NLMSG_HDRLEN:]
	return true
}

// header reads all of the header but the length.
func (m *Messages) header(b []byte) {
	m.Kind = binary.NativeEndian.Uint16(b[atKind:])
	m.Flags = binary.NativeEndian.Uint16(b[atFlags:])
	m.Seq = binary.NativeEndian.Uint32(b[atSeq:])
}

// Whole reports, once Next has returned false, whether all bytes were messages.
func (m *Messages) Whole() bool { return len(m.Rest) == 0 }
