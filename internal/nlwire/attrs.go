package nlwire

import "encoding/binary"

// attrHeader is sizeof(struct nlattr) of linux/netlink.h.
const attrHeader = 4

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
	if len(a.Rest) < attrHeader {
		return false
	}
	n := int(binary.NativeEndian.Uint16(a.Rest))
	if n < attrHeader || n > len(a.Rest) {
		return false
	}
	a.Kind = binary.NativeEndian.Uint16(a.Rest[2:]) & kindMask
	a.Value = a.Rest[attrHeader:n]
	a.Rest = a.Rest[min(align4(n), len(a.Rest)):]
	return true
}

// Whole reports, once Next has returned false, whether all bytes were attributes.
func (a *Attrs) Whole() bool { return len(a.Rest) == 0 }

// AppendString appends an attribute that carries s with the NUL the kernel's NLA_STRING ends with,
// padded to four bytes. s is at most 65,530 bytes long.
func AppendString(b []byte, kind uint16, s string) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrHeader+len(s)+1))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, s...)
	b = append(b, 0)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// align4 rounds up to the alignment of netlink messages and attributes.
func align4(n int) int { return (n + 3) &^ 3 }
