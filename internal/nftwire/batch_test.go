package nftwire

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

func TestBatchIsEnclosedAndNumbered(t *testing.T) {
	var b Batch
	b.Begin(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE)
	b.Text(unix.NFTA_TABLE_NAME, "t")
	b.Uint32(unix.NFTA_TABLE_FLAGS, unix.NFT_TABLE_F_DORMANT)
	b.Begin(unix.NFT_MSG_DELTABLE, 0)
	b.Text(unix.NFTA_TABLE_NAME, "t")
	for _, seq := range []uint32{7, 1 << 31, 0xffffffff} { // sealing again numbers it anew
		b.buf = b.seal(seq)
		all := read(t, b.buf)
		b.unseal()
		if len(all) != 4 || b.Len() != 2 {
			t.Fatalf("%d messages of which %d are ours", len(all), b.Len())
		}
		const nft = unix.NFNL_SUBSYS_NFTABLES << 8
		for i, want := range []message{
			{kind: unix.NFNL_MSG_BATCH_BEGIN, flags: unix.NLM_F_REQUEST, resID: unix.NFNL_SUBSYS_NFTABLES},
			{kind: nft | unix.NFT_MSG_NEWTABLE, flags: unix.NLM_F_REQUEST | unix.NLM_F_CREATE, family: unix.NFPROTO_INET},
			{kind: nft | unix.NFT_MSG_DELTABLE, flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, family: unix.NFPROTO_INET},
			{kind: unix.NFNL_MSG_BATCH_END, flags: unix.NLM_F_REQUEST, resID: unix.NFNL_SUBSYS_NFTABLES},
		} {
			got := all[i]
			if got.kind != want.kind || got.flags != want.flags || got.family != want.family || got.resID != want.resID || got.seq != seq+uint32(i) {
				t.Errorf("message %d: got %+v, want %+v with number %d", i, got, want, seq+uint32(i))
			}
		}
	}
}

func TestBatchAttributes(t *testing.T) {
	var b Batch
	b.Begin(unix.NFT_MSG_NEWSET, 0)
	b.Uint64(3, 1<<40)
	at := b.Nest(4)
	b.Bytes(5, []byte{1, 2, 3})
	b.Bytes(6, nil)
	b.Unnest(at)
	b.buf = b.seal(1)
	want := []byte{
		12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0,
		16, 0, 4, 0x80, 7, 0, 5, 0, 1, 2, 3, 0, 4, 0, 6, 0,
	}
	if got := read(t, b.buf)[1].body; !bytes.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestBatchKeepsLittle: the buffer of a large transaction is given back.
func TestBatchKeepsLittle(t *testing.T) {
	var b Batch
	b.Grow(2 * keep)
	b.Begin(unix.NFT_MSG_NEWTABLE, 0)
	before := &b.buf[0]
	b.Bytes(1, make([]byte, 60000))
	if b.buf = b.seal(1); &b.buf[0] != before {
		t.Error("the buffer was copied although there was room")
	}
	b.Reset()
	if cap(b.buf) > keep || b.Len() != 0 || b.Size() != 0 {
		t.Errorf("%d bytes are kept of %d messages", cap(b.buf), b.Len())
	}
	b.Begin(unix.NFT_MSG_NEWTABLE, 0)
	kept := cap(b.buf)
	b.Reset()
	if kept == 0 || cap(b.buf) != kept {
		t.Errorf("a small buffer of %d bytes is not reused: %d", kept, cap(b.buf))
	}
}
