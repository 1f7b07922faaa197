package nftwire

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzVerdict checks that whatever the kernel answers is one of three: it holds, it is refused at a
// message there is, or nobody knows.
func FuzzVerdict(f *testing.F) {
	f.Add(answer(13, 0, 0), false)
	f.Add(answer(12, unix.EEXIST, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, explained("text", 9)...), false)
	f.Add(answer(11, unix.ENOMEM, unix.NLM_F_ACK_TLVS, make([]byte, 40)...)[:30], true)
	f.Fuzz(func(t *testing.T, b []byte, cut bool) {
		v := verdict{first: 10, last: 13}
		v.feed(b, cut)
		err := v.result()
		var r *Refusal
		switch {
		case err == nil:
			if !v.held {
				t.Error("it holds, and nobody said so")
			}
		case errors.As(err, &r):
			if r.Message < -1 || r.Message > 2 || r.Errno == 0 || r.Error() == "" {
				t.Errorf("refusal %+v", r)
			}
		case !errors.Is(err, ErrNoVerdict):
			t.Error(err)
		}
	})
}

// FuzzElements checks that elements read back as they were written, however many and long they are,
// and that the offset of each leads to its key.
func FuzzElements(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, int64(30000), "", false, 1)
	f.Add([]byte{0, 80}, int64(0), "web_limits", false, 2)
	f.Add(make([]byte, 16), int64(1), "", true, 5000)
	f.Fuzz(func(t *testing.T, key []byte, ms int64, jump string, end bool, n int) {
		n = min(max(n, 0), 5000)
		if len(key) == 0 || len(key) > 64 || len(jump) > 200 || printable([]byte(jump)) != jump {
			return
		}
		const most = int64(1<<63-1) / int64(time.Millisecond)
		e := Element{Key: key, Timeout: time.Duration(min(max(ms, 0), most)) * time.Millisecond, Jump: jump, IntervalEnd: end}
		if end {
			e.Timeout, e.Jump = 0, "" // a range lasts for ever
		}
		var b Batch
		w := b.AddElements("t", "s")
		for range n {
			w.Put(&e)
		}
		w.End()
		if n == 0 {
			return
		}
		total := 0
		for i, l := range lists(t, b.seal(1)) {
			total += len(l.elements)
			for _, got := range l.elements {
				if !bytes.Equal(got.Key, e.Key) || got.Timeout != e.Timeout || got.Jump != e.Jump || got.IntervalEnd != e.IntervalEnd {
					t.Fatalf("got %+v, want %+v", got, e)
				}
			}
			const around = envelope + 8 + 8 + unix.NLA_HDRLEN // table and set are named by one letter
			if got := b.KeyAt(i, around); !bytes.Equal(got, key) {
				t.Errorf("the first key of message %d is %x, want %x", i, got, key)
			}
		}
		if total != n {
			t.Errorf("%d elements of %d", total, n)
		}
	})
}
