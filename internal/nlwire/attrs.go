package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// kindMask leaves the number of an attribute's kind, without NLA_F_NESTED and
// NLA_F_NET_BYTEORDER.
const kindMask = 0x3fff

// Attrs walks the attributes (struct nlattr) of a message or of a nested attribute. Set Rest to
// their bytes and call Next until it returns false:
//
//	for a := (nlwire.Attrs{Rest: b}); a.Next(); { ... }
//
// It allocates nothing; Value points into the bytes it was given.
type Attrs struct {
	Kind  uint16 // number of the attribute, without its flags
	Value []byte // what it carries, without header and padding
	Rest  []byte // what is still to be read; after the last Next: what is no attribute
}

// Next moves on to the next attribute and reports whether there is one. If the lengths do not add
// up, it returns false and Whole does too.
func (a *Attrs) Next() bool {
	if len(a.Rest) < unix.NLA_HDRLEN {
		return false
	}
	n := int(binary.NativeEndian.Uint16(a.Rest))
	if n < unix.NLA_HDRLEN || n > len(a.Rest) {
		return false
	}
	a.Kind = binary.NativeEndian.Uint16(a.Rest[2:]) & kindMask
	a.Value = a.Rest[unix.NLA_HDRLEN:n]
	a.Rest = a.Rest[min(Align(n), len(a.Rest)):]
	return true
}

// Whole reports, once Next has returned false, whether all bytes were attributes.
func (a *Attrs) Whole() bool { return len(a.Rest) == 0 }
