package nlwire

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHeader writes two messages and changes the second, as a batch does.
func TestHeader(t *testing.T) {
	b := append(AppendHeader(nil, 3, unix.NLM_F_REQUEST, 7, 4), "abcd"...)
	at := len(b)
	b = append(AppendHeader(b, 0x0a0c, unix.NLM_F_REQUEST, 0, 0), "ef"...)
	SealMessage(b, at)
	SetSeq(b[at:], 1<<31)
	AddFlags(b[at:], unix.NLM_F_ACK)
	AddFlags(b[at:], unix.NLM_F_ACK|unix.NLM_F_CREATE)
	want := []Messages{
		{Kind: 3, Flags: unix.NLM_F_REQUEST, Seq: 7, Body: []byte("abcd")},
		{Kind: 0x0a0c, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK | unix.NLM_F_CREATE, Seq: 1 << 31, Body: []byte("ef")},
	}
	m := Messages{Rest: b}
	for i, w := range want {
		if !m.Next() || m.Kind != w.Kind || m.Flags != w.Flags || m.Seq != w.Seq || string(m.Body) != string(w.Body) {
			t.Errorf("message %d is %+v, want %+v", i, m, w)
		}
	}
	if m.Next() || !m.Whole() {
		t.Errorf("%d bytes are no message", len(m.Rest))
	}
	const port = 12 // offset of nlmsg_pid
	if first, second := binary.NativeEndian.Uint32(b[port:]), binary.NativeEndian.Uint32(b[at+port:]); first != 0 || second != 0 {
		t.Errorf("ports %d and %d, want 0", first, second)
	}
}
