package setdump

import (
	"testing"

	"ebbgate/internal/nlwire"
)

// FuzzDecode checks that whatever comes in, elements are made of it and of nothing else.
func FuzzDecode(f *testing.F) {
	for _, text := range captured {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		ok := decodeElements(b, new(Element), func(e *Element) {
			n++
			if len(e.Key) > len(b) || e.Timeout < 0 || e.Expires < 0 {
				t.Errorf("element %+v", e)
			}
			if !e.HasCounter && e.Packets+e.Bytes > 0 {
				t.Errorf("an element without a counter counted: %+v", e)
			}
		})
		// Each element takes at least a header within that of the list.
		if n > 0 && 4*n > len(b)-2*nlwire.NetfilterHeader {
			t.Errorf("%d elements in %d bytes", n, len(b))
		}
		if len(b) < nlwire.NetfilterHeader && ok {
			t.Error("half a header was accepted")
		}
	})
}

func FuzzDecodeCount(f *testing.F) {
	for _, text := range capturedSets {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, ok, whole := decodeCount(b)
		if n < 0 || n > 0 && !ok && whole || ok && !whole {
			t.Errorf("%d elements, %v, %v", n, ok, whole)
		}
	})
}
