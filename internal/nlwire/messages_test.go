package nlwire

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMessages(t *testing.T) {
	two := datagram{}.item(7, "abc").msg(unix.NLMSG_NOOP, 1, 0, "")
	tests := []struct {
		name  string
		in    datagram
		want  string // kind, flags, sequence number and body of each
		whole bool
	}{
		{"nothing", nil, "", true},
		{"two", two, `2572 2 7 "abc", 1 1 0 ""`, true},
		{"last one not padded", datagram{}.item(7, "abc")[:19], `2572 2 7 "abc"`, true},
		{"half a header", two[:len(two)-1], `2572 2 7 "abc"`, false},
		{"half a body", datagram{}.item(7, "abc")[:18], "", false},
		{"length below header", make(datagram, unix.NLMSG_HDRLEN), "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			m := Messages{Rest: tt.in}
			for m.Next() {
				got = append(got, fmt.Sprintf("%d %d %d %q", m.Kind, m.Flags, m.Seq, m.Body))
			}
			if all := strings.Join(got, ", "); all != tt.want || m.Whole() != tt.whole {
				t.Errorf("got %s, whole %v; want %s, %v", all, m.Whole(), tt.want, tt.whole)
			}
		})
	}
}

// TestMessagesCut: of a message that was cut off the header is still there, and half a body.
func TestMessagesCut(t *testing.T) {
	d := datagram{}.item(7, "abcd").msg(unix.NLMSG_ERROR, 1, 8, "efgh")
	for size, want := range map[int]string{36: `2 1 8 ""`, 38: `2 1 8 "ef"`, 35: "", 20: ""} {
		m := Messages{Rest: d[:size]}
		if !m.Next() || m.Next() {
			t.Fatalf("%d bytes do not have one whole message", size)
		}
		got := ""
		if m.Cut() {
			got = fmt.Sprintf("%d %d %d %q", m.Kind, m.Flags, m.Seq, m.Body)
		}
		if got != want {
			t.Errorf("of %d bytes: %s, want %s", size, got, want)
		}
	}
}
