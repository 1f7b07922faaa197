package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// MostAttr is the longest attribute with its header, in bytes: the length has 16 bits.
const MostAttr = 1<<16 - 1

// Align rounds up to the alignment of netlink messages and attributes, which is the same
// (NLMSG_ALIGNTO and NLA_ALIGNTO of linux/netlink.h).
func Align(n int) int { return (n + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

// padding is as much of it as anything takes.
const padding = "\x00\x00\x00"

// pad appends what so many bytes lack to the alignment.
func pad(b []byte, size int) []byte { return append(b, padding[:-size&(unix.NLA_ALIGNTO-1)]...) }

// appendAttrHeader appends a struct nlattr in front of so many bytes.
func appendAttrHeader(b []byte, kind uint16, size int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.NLA_HDRLEN+size))
	return binary.NativeEndian.AppendUint16(b, kind)
}

// AppendBytes appends an attribute of at most 65,531 bytes, padded to four.
func AppendBytes(b []byte, kind uint16, v []byte) []byte {
	return pad(append(appendAttrHeader(b, kind, len(v)), v...), len(v))
}

// AppendString appends an attribute that carries s with the NUL the kernel's NLA_STRING ends with,
// padded to four bytes. s is at most 65,530 bytes long.
func AppendString(b []byte, kind uint16, s string) []byte {
	b = append(appendAttrHeader(b, kind, len(s)+1), s...)
	return pad(append(b, 0), len(s)+1)
}

// AppendUint8 appends an attribute that carries one byte, padded to four.
func AppendUint8(b []byte, kind uint16, v uint8) []byte {
	return append(appendAttrHeader(b, kind, 1), v, 0, 0, 0)
}

// AppendUint16 appends an attribute that carries a number in network order, as netfilter has all of
// them, padded to four bytes.
func AppendUint16(b []byte, kind, v uint16) []byte {
	b = binary.BigEndian.AppendUint16(appendAttrHeader(b, kind, 2), v)
	return append(b, 0, 0)
}

// AppendUint32 is AppendUint16 for 32 bits.
func AppendUint32(b []byte, kind uint16, v uint32) []byte {
	return binary.BigEndian.AppendUint32(appendAttrHeader(b, kind, 4), v)
}

// AppendUint64 is AppendUint16 for 64 bits.
func AppendUint64(b []byte, kind uint16, v uint64) []byte {
	return binary.BigEndian.AppendUint64(appendAttrHeader(b, kind, 8), v)
}

// Nest begins an attribute that holds attributes: what is appended until Seal is called with the
// offset it returns belongs to it. Nested ones are sealed first.
func Nest(b []byte, kind uint16) (nested []byte, at int) {
	return appendAttrHeader(b, kind|unix.NLA_F_NESTED, 0), len(b)
}

// Seal ends the attribute that Nest began. It may have MostAttr bytes; more is a bug of the caller's,
// and the kernel refuses the message.
func Seal(b []byte, at int) {
	binary.NativeEndian.PutUint16(b[at:], uint16(min(len(b)-at, MostAttr)))
}
