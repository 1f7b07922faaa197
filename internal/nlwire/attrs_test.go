package nlwire

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAttrs(t *testing.T) {
	ab := AppendString(nil, 1, "ab")
	tests := []struct {
		name  string
		in    []byte
		want  string
		whole bool
	}{
		{"none", nil, "", true},
		{"two", append(ab[:8:8], AppendString(nil, 2, "cdefg")...), "1=ab\x00 2=cdefg\x00", true},
		{"flags are taken off", append([]byte{4, 0}, binary.NativeEndian.AppendUint16(nil, 0xc003)...), "3=", true},
		{"last one not padded", ab[:7], "1=ab\x00", true},
		{"half a header", append(ab[:8:8], 4, 0), "1=ab\x00", false},
		{"length below header", append(ab[:8:8], 3, 0, 1, 0), "1=ab\x00", false},
		{"length 0", []byte{0, 0, 1, 0}, "", false},
		{"length beyond the end", []byte{9, 0, 1, 0, 1, 0, 0, 0}, "", false},
		{"length of the other endianness", []byte{0, 8, 0, 1, 1, 2, 3, 4}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			a := Attrs{Rest: tt.in}
			for a.Next() {
				got = append(got, fmt.Sprintf("%d=%s", a.Kind, a.Value))
			}
			if all := strings.Join(got, " "); all != tt.want || a.Whole() != tt.whole {
				t.Errorf("got %q, whole %v; want %q, %v", all, a.Whole(), tt.want, tt.whole)
			}
			if a.Next() {
				t.Error("Next goes on after its end")
			}
		})
	}
}

func FuzzAttrs(f *testing.F) {
	f.Add(AppendString(AppendString(nil, 1, "ab"), 2, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := Attrs{Rest: b}
		n := 0
		for a.Next() {
			n += unix.NLA_HDRLEN + len(a.Value)
		}
		if n+len(a.Rest) > len(b) {
			t.Errorf("%d bytes of attributes and %d left in %d bytes", n, len(a.Rest), len(b))
		}
	})
}
