package nftwire

import (
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"ebbgate/internal/nlwire"
)

func TestElementsReadBack(t *testing.T) {
	want := []Element{
		{Key: []byte{192, 0, 2, 1}},
		{Key: []byte{192, 0, 2, 2}, Timeout: 30 * time.Second},
		{Key: []byte{0, 80}, Timeout: 1500 * time.Millisecond, Jump: "web_limits"},
		{Key: []byte{10}, Jump: "c"},
		{Key: []byte{192, 0, 3, 0}, IntervalEnd: true},
		{Key: make([]byte, 16), Timeout: time.Millisecond},
	}
	var b Batch
	w := b.AddElements("ebbgate", "s")
	for i := range want {
		w.Put(&want[i])
	}
	w.End()
	w = b.DeleteElements("ebbgate", "other")
	w.Put(&want[0])
	w.End()
	b.buf = b.seal(1)
	got := lists(t, b.buf)
	if len(got) != 2 || !got[0].add || got[1].add || got[0].table != "ebbgate" || got[0].set != "s" || got[1].set != "other" {
		t.Fatalf("got %+v", got)
	}
	if !reflect.DeepEqual(got[0].elements, want) || !reflect.DeepEqual(got[1].elements, want[:1]) {
		t.Errorf("got  %+v\nwant %+v", got[0].elements, want)
	}
}

func TestTimeoutIsInWholeMilliseconds(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 0, -time.Second: 0, 999 * time.Microsecond: 0, 1999 * time.Microsecond: time.Millisecond,
		2562047 * time.Hour: 2562047 * time.Hour,
	} {
		var b Batch
		w := b.AddElements("t", "s")
		w.Put(&Element{Key: []byte{1, 2, 3, 4}, Timeout: timeout})
		w.End()
		if got := lists(t, b.seal(1))[0].elements[0].Timeout; got != want {
			t.Errorf("%v is sent as %v, want %v", timeout, got, want)
		}
	}
}

// many writes n elements of four bytes with a timeout.
func many(b *Batch, n int) {
	b.Grow(n * ElementSize(4, true, ""))
	w := b.AddElements("ebbgate", "web_block4")
	var key [4]byte
	e := Element{Key: key[:], Timeout: time.Hour}
	for i := range n {
		binary.BigEndian.PutUint32(key[:], uint32(i))
		w.Put(&e)
	}
	w.End()
}

// TestManyElementsAreCut: no list is longer than an attribute can be, and none is lost.
func TestManyElementsAreCut(t *testing.T) {
	const n = 10_000
	var b Batch
	many(&b, n)
	all := lists(t, b.seal(1))
	if len(all) != b.Len() || len(all) < n*28/nlwire.MostAttr || len(all) > n*28/nlwire.MostAttr+1 {
		t.Errorf("%d messages for %d elements", len(all), n)
	}
	i := uint32(0)
	for _, l := range all {
		for _, e := range l.elements {
			if binary.BigEndian.Uint32(e.Key) != i || e.Timeout != time.Hour {
				t.Fatalf("element %d is %+v", i, e)
			}
			i++
		}
	}
	if i != n {
		t.Errorf("%d elements of %d", i, n)
	}
}

func TestNoElementsNoMessage(t *testing.T) {
	var b Batch
	w := b.AddElements("t", "s")
	w.End()
	if b.Len() != 0 || b.Size() != 0 {
		t.Errorf("%d messages, %d bytes", b.Len(), b.Size())
	}
}

func TestElementSize(t *testing.T) {
	for _, e := range []Element{
		{Key: make([]byte, 4)}, {Key: make([]byte, 16), Timeout: time.Second}, {Key: make([]byte, 2), Jump: "abc"},
		{Key: make([]byte, 1), Jump: "abcd", Timeout: time.Second},
	} {
		var b Batch
		b.element(&e)
		if got := ElementSize(len(e.Key), e.Timeout > 0, e.Jump); got != b.Size() {
			t.Errorf("%+v takes %d bytes, announced are %d", e, b.Size(), got)
		}
	}
}

// TestElementsCostNoAllocation: neither does the batch grow while there is room.
func TestElementsCostNoAllocation(t *testing.T) {
	var b Batch
	b.Grow(keep / 2)
	many(&b, 1)
	allocs := testing.AllocsPerRun(20, func() {
		b.Reset()
		many(&b, 10_000)
	})
	if allocs > 1 {
		t.Errorf("%.0f allocations for 10,000 elements", allocs)
	}
}

func TestKeyAt(t *testing.T) {
	var b Batch
	w := b.AddElements("t", "s")
	w.Put(&Element{Key: []byte{1, 1, 1, 1}, Timeout: time.Second})
	second := uint32(len(b.buf) - b.starts[0])
	w.Put(&Element{Key: []byte{2, 2, 2, 2}, IntervalEnd: true})
	w.End()
	end := uint32(len(b.buf) - b.starts[0])
	b.buf = b.seal(1)
	b.unseal()
	if got := b.KeyAt(0, second); !reflect.DeepEqual(got, []byte{2, 2, 2, 2}) {
		t.Errorf("the second key is %v", got)
	}
	for _, at := range []struct {
		message int
		offset  uint32
	}{{-1, second}, {1, second}, {0, 0}, {0, envelope}, {0, end}, {0, 1 << 31}, {0, second + 8}} {
		if got := b.KeyAt(at.message, at.offset); got != nil {
			t.Errorf("at %+v there is key %v", at, got)
		}
	}
}

func BenchmarkElements(b *testing.B) {
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		many(&batch, 30_000)
	}
}
