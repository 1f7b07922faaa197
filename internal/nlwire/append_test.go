package nlwire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAlign(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 4, 3: 4, 4: 4, 5: 8, 1<<16 - 1: 1 << 16} {
		if got := Align(n); got != want {
			t.Errorf("%d is aligned to %d, want %d", n, got, want)
		}
	}
}

// TestAppendAttributes: what follows the header is in network order, and padded.
func TestAppendAttributes(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []byte
		size uint16
		rest []byte
	}{
		{"no bytes", AppendBytes(nil, 9, nil), 4, nil},
		{"one byte", AppendBytes(nil, 9, []byte{1}), 5, []byte{1, 0, 0, 0}},
		{"three bytes", AppendBytes(nil, 9, []byte{1, 2, 3}), 7, []byte{1, 2, 3, 0}},
		{"four bytes", AppendBytes(nil, 9, []byte{1, 2, 3, 4}), 8, []byte{1, 2, 3, 4}},
		{"no string", AppendString(nil, 9, ""), 5, []byte{0, 0, 0, 0}},
		{"three letters", AppendString(nil, 9, "abc"), 8, []byte("abc\x00")},
		{"four letters", AppendString(nil, 9, "abcd"), 9, []byte("abcd\x00\x00\x00\x00")},
		{"8 bits", AppendUint8(nil, 9, 1), 5, []byte{1, 0, 0, 0}},
		{"16 bits", AppendUint16(nil, 9, 0x102), 6, []byte{1, 2, 0, 0}},
		{"32 bits", AppendUint32(nil, 9, 0x1020304), 8, []byte{1, 2, 3, 4}},
		{"64 bits", AppendUint64(nil, 9, 0x102030405060708), 12, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		want := binary.NativeEndian.AppendUint16(nil, tt.size)
		want = append(binary.NativeEndian.AppendUint16(want, 9), tt.rest...)
		if !bytes.Equal(tt.got, want) {
			t.Errorf("%s: got %x, want %x", tt.name, tt.got, want)
		}
	}
}

func TestAppendStringRoundTrip(t *testing.T) {
	for n := range 20 {
		s := strings.Repeat("x", n)
		b := AppendString([]byte("1234"), 5, s)
		a := Attrs{Rest: b[4:]}
		if len(b)%4 != 0 || !a.Next() || a.Kind != 5 || string(a.Value) != s+"\x00" || a.Next() || !a.Whole() {
			t.Errorf("%d characters became %x", n, b)
		}
	}
}

func TestNest(t *testing.T) {
	b, outer := Nest([]byte("1234"), 1)
	b = AppendUint8(b, 2, 7)
	b, inner := Nest(b, 3)
	b = AppendUint32(b, 4, 8)
	Seal(b, inner)
	Seal(b, outer)
	b = AppendUint16(b, 5, 9)
	want := AppendUint16(append([]byte("1234"), AppendBytes(nil, 1|unix.NLA_F_NESTED,
		append(AppendUint8(nil, 2, 7), AppendBytes(nil, 3|unix.NLA_F_NESTED, AppendUint32(nil, 4, 8))...))...), 5, 9)
	if !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
}

// TestSealOfTooMuch: the length does not wrap to one that looks sound.
func TestSealOfTooMuch(t *testing.T) {
	for size, want := range map[int]uint16{MostAttr - 5: MostAttr - 1, MostAttr - 4: MostAttr, MostAttr: MostAttr, 2 * MostAttr: MostAttr} {
		b, at := Nest(nil, 1)
		b = append(b, make([]byte, size)...)
		Seal(b, at)
		if got := binary.NativeEndian.Uint16(b); got != want {
			t.Errorf("%d bytes are sealed as %d, want %d", size, got, want)
		}
	}
}

// TestAppendCostsNoAllocation: not while there is room.
func TestAppendCostsNoAllocation(t *testing.T) {
	buf, value := make([]byte, 0, 200), make([]byte, 16)
	if allocs := testing.AllocsPerRun(20, func() {
		b := AppendNetfilter(AppendHeader(buf, 1, 2, 3, 0), unix.AF_INET, 0)
		b, at := Nest(b, 1)
		b = AppendUint64(AppendUint32(AppendUint16(AppendUint8(b, 2, 1), 3, 1), 4, 1), 5, 1)
		b = AppendString(AppendBytes(b, 6, value), 7, "web")
		Seal(b, at)
		SealMessage(b, 0)
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzAppend checks that attributes read back as they were written, whatever stands before them.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("abc"), "web", uint16(3), uint64(1<<40), uint8(3))
	f.Add([]byte{}, "", uint16(0x3fff), uint64(0), uint8(0))
	f.Fuzz(func(t *testing.T, v []byte, s string, kind uint16, n uint64, before uint8) {
		if len(v) > MostAttr-unix.NLA_HDRLEN || len(s) > MostAttr-unix.NLA_HDRLEN-1 {
			return
		}
		b, at := Nest(make([]byte, before), kind)
		b = AppendString(AppendBytes(b, kind, v), kind, s)
		b = AppendUint64(b, kind, n)
		b = AppendUint32(b, kind, uint32(n))
		b = AppendUint16(b, kind, uint16(n))
		b = AppendUint8(b, kind, uint8(n))
		Seal(b, at)
		outer := Attrs{Rest: b[before:]}
		if len(b)-at > MostAttr {
			return
		}
		if !outer.Next() || outer.Kind != kind&kindMask || !outer.Whole() {
			t.Fatalf("kind %d, %d bytes left", outer.Kind, len(outer.Rest))
		}
		number := binary.BigEndian.AppendUint64(nil, n)
		a := Attrs{Rest: outer.Value}
		for _, want := range [][]byte{v, append([]byte(s), 0), number, number[4:], number[6:], number[7:]} {
			if !a.Next() || a.Kind != kind&kindMask || !bytes.Equal(a.Value, want) {
				t.Fatalf("kind %d, %x, want %x", a.Kind, a.Value, want)
			}
		}
		if a.Next() || !a.Whole() {
			t.Errorf("%d bytes are left", len(a.Rest))
		}
	})
}
