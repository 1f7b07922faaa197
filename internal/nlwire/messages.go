package nlwire

import "encoding/binary"

// header is sizeof(struct nlmsghdr) of linux/netlink.h.
const header = 16

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
	if len(b) < header {
		return false
	}
	size := int(binary.NativeEndian.Uint32(b)) // negative on 32 bits if it is absurd
	if size < header || size > len(b) {
		return false
	}
	m.Kind = binary.NativeEndian.Uint16(b[4:])
	m.Flags = binary.NativeEndian.Uint16(b[6:])
	m.Seq = binary.NativeEndian.Uint32(b[8:])
	m.Body = b[header:size]
	m.Rest = b[min(align4(size), len(b)):]
	return true
}

// Whole reports, once Next has returned false, whether all bytes were messages.
func (m *Messages) Whole() bool { return len(m.Rest) == 0 }
