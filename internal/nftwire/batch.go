package nftwire

import (
	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

const (
	// envelope is the size of each of the two messages that enclose a batch.
	envelope = unix.NLMSG_HDRLEN + nlwire.NetfilterHeader
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
	if need := len(b.buf) + bytes + 2*envelope; need > cap(b.buf) {
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
	b.buf = nlwire.AppendHeader(b.buf, unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags|unix.NLM_F_REQUEST, 0, 0)
	b.buf = nlwire.AppendNetfilter(b.buf, unix.NFPROTO_INET, 0)
}

// close writes the length of the message that was begun last.
func (b *Batch) close() {
	if n := len(b.starts); n > 0 {
		nlwire.SealMessage(b.buf, b.starts[n-1])
	}
}

// Uint32 writes a number in network order, as nf_tables has all of them.
func (b *Batch) Uint32(kind uint16, v uint32) { b.buf = nlwire.AppendUint32(b.buf, kind, v) }

// Uint64 writes a number in network order.
func (b *Batch) Uint64(kind uint16, v uint64) { b.buf = nlwire.AppendUint64(b.buf, kind, v) }

// Text writes a string of at most 65,530 bytes.
func (b *Batch) Text(kind uint16, s string) { b.buf = nlwire.AppendString(b.buf, kind, s) }

// Bytes writes at most 65,531 bytes, padded to four.
func (b *Batch) Bytes(kind uint16, v []byte) { b.buf = nlwire.AppendBytes(b.buf, kind, v) }

// Nest begins an attribute that holds others, and returns what Unnest needs to end it.
func (b *Batch) Nest(kind uint16) (at int) {
	b.buf, at = nlwire.Nest(b.buf, kind)
	return at
}

// Unnest ends the attribute that Nest began. It may have 65,535 bytes; more is a bug of the caller's,
// and the kernel refuses the message.
func (b *Batch) Unnest(at int) { nlwire.Seal(b.buf, at) }

// seal numbers the messages from seq on, asks for the last one's acknowledgement, and appends the
// end of the batch. The batch cannot be added to afterwards; sealing again numbers it anew.
func (b *Batch) seal(seq uint32) []byte {
	b.close()
	nlwire.SetSeq(b.buf, seq)
	for i, at := range b.starts {
		nlwire.SetSeq(b.buf[at:], seq+1+uint32(i))
	}
	nlwire.AddFlags(b.buf[b.starts[len(b.starts)-1]:], unix.NLM_F_ACK)
	return appendEnvelope(b.buf, unix.NFNL_MSG_BATCH_END, seq+1+uint32(len(b.starts)))
}

// appendEnvelope appends one of the two messages that enclose a batch.
func appendEnvelope(b []byte, kind uint16, seq uint32) []byte {
	b = nlwire.AppendHeader(b, kind, unix.NLM_F_REQUEST, seq, nlwire.NetfilterHeader)
	return nlwire.AppendNetfilter(b, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
}
