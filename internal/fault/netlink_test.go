package fault

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// message appends one message with a body of so many bytes.
func message(b []byte, kind uint16, seq uint32, body int) []byte {
	b = nlwire.AppendHeader(b, kind, unix.NLM_F_MULTI, seq, body)
	b = append(b, make([]byte, body)...)
	return append(b, make([]byte, -len(b)&3)...)
}

// TestSpoil: every message of a datagram is marked; the end of an answer is never cut off.
func TestSpoil(t *testing.T) {
	three := message(message(message(nil, 99, 1, 5), 99, 1, 8), unix.NLMSG_DONE, 1, 4)
	b := spoil(append([]byte(nil), three...), Interrupt)
	m := nlwire.Messages{Rest: b}
	for n := range 3 {
		if !m.Next() || m.Flags != unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR {
			t.Errorf("message %d has flags %#x", n, m.Flags)
		}
	}
	if len(b) != len(three) {
		t.Errorf("%d of %d bytes are left", len(b), len(three))
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want int
	}{
		{"a datagram", three, len(three) / 2},
		{"the end of a dump", message(nil, unix.NLMSG_DONE, 1, 4), 20},
		{"an acknowledgement", message(nil, unix.NLMSG_ERROR, 1, 20), 36},
		{"nonsense", []byte("short"), 5},
		{"nothing", nil, 0},
	} {
		if got := len(spoil(tt.b, Cut)); got != tt.want {
			t.Errorf("%s: %d bytes are left, want %d", tt.name, got, tt.want)
		}
	}
}

// TestRefusal: it names the message that was meant, or the last that means something.
func TestRefusal(t *testing.T) {
	const begin, end = unix.NFNL_MSG_BATCH_BEGIN, unix.NFNL_MSG_BATCH_END
	b := message(message(message(message(message(nil, begin, 10, 4), 1, 11, 7), 2, 12, 9), 3, 13, 0), end, 14, 4)
	if !transaction(b) || transaction(b[20:]) {
		t.Error("a transaction is not told by its beginning")
	}
	for number, seq := range map[int]uint32{-1: 11, 0: 11, 1: 12, 2: 13, 3: 13, 1 << 30: 13} {
		m := nlwire.Messages{Rest: refusal(b, number, unix.ENOMEM)}
		if !m.Next() || m.Kind != unix.NLMSG_ERROR || m.Seq != seq || !m.Whole() {
			t.Errorf("message %d: %+v", number, m)
			continue
		}
		if code := int32(binary.NativeEndian.Uint32(m.Body)); code != -int32(unix.ENOMEM) {
			t.Errorf("message %d is refused with %d", number, code)
		}
		if about := binary.NativeEndian.Uint32(m.Body[4+8:]); about != seq {
			t.Errorf("message %d: the refusal is about %d, want %d", number, about, seq)
		}
	}
}
