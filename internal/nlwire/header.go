package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Offsets into a struct nlmsghdr of linux/netlink.h.
const (
	atKind  = 4
	atFlags = 6
	atSeq   = 8
)

// AppendHeader appends a struct nlmsghdr in front of a body of so many bytes, from port 0, which has
// the kernel take the socket's own. Where the body is yet to be written, SealMessage sets the length.
func AppendHeader(b []byte, kind, flags uint16, seq uint32, body int) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+body))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	return binary.NativeEndian.AppendUint32(b, 0)
}

// SealMessage ends the message that begins at an offset of b: it is what follows there.
func SealMessage(b []byte, at int) {
	binary.NativeEndian.PutUint32(b[at:], uint32(len(b)-at))
}

// SetSeq gives the message at the beginning of b a sequence number.
func SetSeq(b []byte, seq uint32) { binary.NativeEndian.PutUint32(b[atSeq:], seq) }

// AddFlags adds NLM_F_... flags to the message at the beginning of b.
func AddFlags(b []byte, flags uint16) {
	binary.NativeEndian.PutUint16(b[atFlags:], binary.NativeEndian.Uint16(b[atFlags:])|flags)
}
