package nftwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

const (
	// header is sizeof(struct nlmsghdr) of linux/netlink.h, genHeader that of struct nfgenmsg of
	// linux/netfilter/nfnetlink.h, attrHeader that of struct nlattr.
	header     = 16
	genHeader  = 4
	attrHeader = 4
	// mostAttr is the longest attribute: its length has 16 bits.
	mostAttr = 1<<16 - 1
	// keep is how much of the buffer a Batch keeps for the next transaction.
	keep = 1 << 20
)

// Batch is one transaction in the making, of messages about the inet family. The zero value is an
// empty one. Begin starts a message, and what is written until the next Begin belongs to it. It is
// not safe for concurrent use.
type Batch struct {
	buf    []byte
	starts []int // where each message begins, in their order
}

// Reset makes the batch empty. It keeps 1 MiB at most.
func (b *Batch) Reset() {
	if cap(b.buf) > keep {
		b.buf = nil
	}
	b.buf, b.starts = b.buf[:0], b.starts[:0]
}

// Len returns the number of messages.
func (b *Batch) Len() int { return len(b.starts) }

// Size returns the bytes written so far.
func (b *Batch) Size() int { return len(b.buf) }

// Grow makes room for so many more bytes, so that a large batch is not copied while it grows.
func (b *Batch) Grow(bytes int) {
	const envelope = 2 * (header + genHeader)
	if need := len(b.buf) + bytes + envelope; need > cap(b.buf) {
		grown := make([]byte, len(b.buf), need)
		copy(grown, b.buf)
		b.buf = grown
	}
}

// Begin begins a message of a kind (NFT_MSG_...), with NLM_F_... flags beside NLM_F_REQUEST.
func (b *Batch) Begin(kind, flags uint16) {
	if len(b.starts) == 0 {
		b.buf = appendEnvelope(b.buf[:0], unix.NFNL_MSG_BATCH_BEGIN, 0)
	}
	b.close()
	b.starts = append(b.starts, len(b.buf))
	b.buf = appendHeader(b.buf, unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags|unix.NLM_F_REQUEST)
	b.buf = append(b.buf, unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0)
}

// close writes the length of the message that was begun last.
func (b *Batch) close() {
	if n := len(b.starts); n > 0 {
		at := b.starts[n-1]
		binary.NativeEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at))
	}
}

// Uint32 writes a number in network order, as nf_tables has all of them.
func (b *Batch) Uint32(kind uint16, v uint32) {
	b.attr(kind, 4)
	b.buf = binary.BigEndian.AppendUint32(b.buf, v)
}

// Uint64 writes a number in network order.
func (b *Batch) Uint64(kind uint16, v uint64) {
	b.attr(kind, 8)
	b.buf = binary.BigEndian.AppendUint64(b.buf, v)
}

// Text writes a string of at most 65,530 bytes.
func (b *Batch) Text(kind uint16, s string) { b.buf = nlwire.AppendString(b.buf, kind, s) }

// Bytes writes at most 65,531 bytes, padded to four.
func (b *Batch) Bytes(kind uint16, v []byte) {
	b.attr(kind, len(v))
	b.buf = append(b.buf, v...)
	b.pad()
}

// Nest begins an attribute that holds others, and returns what Unnest needs to end it.
func (b *Batch) Nest(kind uint16) int {
	at := len(b.buf)
	b.attr(kind|unix.NLA_F_NESTED, 0)
	return at
}

// Unnest ends the attribute that Nest began. It may have 65,535 bytes; more is a bug of the caller's,
// and the kernel refuses the message.
func (b *Batch) Unnest(at int) {
	binary.NativeEndian.PutUint16(b.buf[at:], uint16(min(len(b.buf)-at, mostAttr)))
}

// attr writes the header of an attribute (struct nlattr) in front of size bytes.
func (b *Batch) attr(kind uint16, size int) {
	b.buf = binary.NativeEndian.AppendUint16(b.buf, uint16(attrHeader+size))
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
}

func (b *Batch) pad() {
	for len(b.buf)%4 != 0 {
		b.buf = append(b.buf, 0)
	}
}

// seal numbers the messages from seq on, asks for the last one's acknowledgement, and appends the
// end of the batch. The batch cannot be added to afterwards; sealing again numbers it anew.
func (b *Batch) seal(seq uint32) []byte {
	b.close()
	const flags, number = 6, 8 // offsets of nlmsg_flags and nlmsg_seq
	binary.NativeEndian.PutUint32(b.buf[number:], seq)
	for i, at := range b.starts {
		binary.NativeEndian.PutUint32(b.buf[at+number:], seq+1+uint32(i))
	}
	last := b.buf[b.starts[len(b.starts)-1]+flags:]
	binary.NativeEndian.PutUint16(last, binary.NativeEndian.Uint16(last)|unix.NLM_F_ACK)
	return appendEnvelope(b.buf, unix.NFNL_MSG_BATCH_END, seq+1+uint32(len(b.starts)))
}

// appendEnvelope appends one of the two messages that enclose a batch.
func appendEnvelope(b []byte, kind uint16, seq uint32) []byte {
	at := len(b)
	b = appendHeader(b, kind, unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(b[at:], header+genHeader)
	binary.NativeEndian.PutUint32(b[at+8:], seq)
	b = append(b, unix.AF_UNSPEC, unix.NFNETLINK_V0)
	return binary.BigEndian.AppendUint16(b, unix.NFNL_SUBSYS_NFTABLES) // res_id
}

// appendHeader appends a struct nlmsghdr; length and number come later.
func appendHeader(b []byte, kind, flags uint16) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}
