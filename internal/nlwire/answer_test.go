package nlwire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnswer(t *testing.T) {
	const intr = unix.NLM_F_DUMP_INTR
	tests := []struct {
		name string
		in   datagram
		got  string // bodies, joined
		done bool
		want error
	}{
		{"OK empty datagram", nil, "", false, nil},
		{"OK two items and done", datagram{}.item(7, "a").item(7, "bc").done(7), "a,bc", true, nil},
		{"OK done without errno", datagram{}.msg(unix.NLMSG_DONE, 2, 7, ""), "", true, nil},
		{"OK no-op is skipped", datagram{}.msg(unix.NLMSG_NOOP, 0, 7, "").item(7, "a"), "a", false, nil},
		{"OK stale messages are skipped", datagram{}.item(6, "x").done(6).item(7, "a").done(7), "a", true, nil},
		{"OK stale interruption is not ours", datagram{}.msg(item, intr, 6, "x").done(7), "", true, nil},
		{"OK item and acknowledgement", datagram{}.item(7, "a").errno(7, 0), "a", true, nil},
		{"OK nothing after the last word is read", append(datagram{}.done(7), 1, 2, 3), "", true, nil},
		{"bad errno", datagram{}.errno(7, unix.ENOENT), "", true, unix.ENOENT},
		{"bad errno in done", datagram{}.item(7, "a").msg(unix.NLMSG_DONE, 2, 7, "\xff\xff\xff\xff"), "a", true, unix.EPERM},
		{"bad errno beats flaw", datagram{}.msg(99, 0, 7, "").errno(7, unix.EBUSY), "", true, unix.EBUSY},
		{"bad error without errno", datagram{}.msg(unix.NLMSG_ERROR, 0, 7, ""), "", true, ErrMalformed},
		{"bad positive errno", datagram{}.msg(unix.NLMSG_ERROR, 0, 7, "\x05\x05\x05\x05"), "", true, ErrMalformed},
		{"bad interrupted", datagram{}.msg(item, intr, 7, "a").done(7), "a", true, ErrInterrupted},
		{"bad interrupted in done only", datagram{}.item(7, "a").msg(unix.NLMSG_DONE, intr, 7, ""), "a", true, ErrInterrupted},
		{"bad overrun", datagram{}.msg(unix.NLMSG_OVERRUN, 0, 7, "").done(7), "", true, ErrOverrun},
		{"bad message type", datagram{}.msg(99, 0, 7, "a").item(7, "b").done(7), "b", true, ErrMalformed},
		{"bad body", datagram{}.item(7, "refused").item(7, "b").done(7), "b", true, ErrMalformed},
		{"bad length below header", datagram("\x0f\x00\x00\x00\x0c\x0a\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00"), "", false, ErrMalformed},
		{"bad length beyond datagram", datagram{}.item(7, "abcd")[:18], "", false, ErrMalformed},
		{"bad huge length", datagram("\xff\xff\xff\xff\x0c\x0a\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00"), "", false, ErrMalformed},
		{"bad length of the other endianness", datagram("\x00\x00\x00\x14\x0a\x0c\x00\x02\x00\x00\x00\x07\x00\x00\x00\x00abcd"), "", false, ErrMalformed},
		{"bad trailing bytes", append(datagram{}.item(7, "a"), 1, 2, 3, 4), "a", false, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			a := answer{seq: 7, kind: item}
			a.feed(tt.in, func(b []byte) bool {
				if string(b) == "refused" {
					return false
				}
				got = append(got, string(b))
				return true
			})
			if all := strings.Join(got, ","); all != tt.got || a.done != tt.done || !errors.Is(a.result(), tt.want) {
				t.Errorf("got %q, done %v, %v; want %q, %v, %v", all, a.done, a.result(), tt.got, tt.done, tt.want)
			}
		})
	}
}

func TestAnswerKeepsFirstFlaw(t *testing.T) {
	a := answer{seq: 1, kind: item}
	a.feed(datagram{}.msg(unix.NLMSG_OVERRUN, 0, 1, "").msg(99, unix.NLM_F_DUMP_INTR, 1, "").done(1), nil)
	if !errors.Is(a.result(), ErrOverrun) {
		t.Errorf("got %v, want the overrun that came first", a.result())
	}
}

// FuzzAnswer checks that whatever comes in, bodies are parts of it, in order and without overlap.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(datagram{}.item(7, "abc").item(7, "").done(7)))
	f.Add([]byte(datagram{}.item(6, "abc").errno(7, unix.ENOENT)))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		bytes, messages := 0, 0
		a := answer{seq: 7, kind: item}
		a.feed(b, func(body []byte) bool {
			bytes += len(body)
			messages++
			return len(body)%2 == 0
		})
		if bytes+messages*unix.NLMSG_HDRLEN > len(b) {
			t.Errorf("%d messages with %d bytes of body in %d bytes", messages, bytes, len(b))
		}
		if a.err != nil && !a.done {
			t.Error("an errno without a last word")
		}
		if !slices.Equal(b, before) {
			t.Error("the bytes were written to")
		}
	})
}
