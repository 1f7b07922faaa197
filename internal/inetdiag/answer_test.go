package inetdiag

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	v4 = "192.0.2.1:80"
	v6 = "[2001:db8::1]:80"
)

func TestAnswer(t *testing.T) {
	good := diag(Established, v4, "198.51.100.7:40000")
	tests := []struct {
		name    string
		in      datagram
		sockets int
		done    bool
		want    error
	}{
		{"OK empty datagram", nil, 0, false, nil},
		{"OK two sockets and done", datagram{}.msg(20, 2, 7, good).msg(20, 2, 7, good).done(7), 2, true, nil},
		{"OK done without errno", datagram{}.msg(unix.NLMSG_DONE, 2, 7, nil), 0, true, nil},
		{"OK no-op is skipped", datagram{}.msg(unix.NLMSG_NOOP, 0, 7, nil).msg(20, 2, 7, good), 1, false, nil},
		{"OK stale messages are skipped", datagram{}.msg(20, 2, 6, good).done(6).msg(20, 2, 7, good).done(7), 1, true, nil},
		{"OK stale interruption is not ours", datagram{}.msg(20, unix.NLM_F_DUMP_INTR, 6, good).done(7), 0, true, nil},
		{"OK acknowledgement", datagram{}.errno(7, 0), 0, true, nil},
		{"OK nothing after the last word is read", append(datagram{}.done(7), 1, 2, 3), 0, true, nil},
		{"bad errno", datagram{}.errno(7, unix.ENOENT), 0, true, unix.ENOENT},
		{"bad errno in done", datagram{}.msg(unix.NLMSG_DONE, 2, 7, []byte{0xff, 0xff, 0xff, 0xff}), 0, true, unix.EPERM},
		{"bad errno beats flaw", datagram{}.msg(99, 0, 7, nil).errno(7, unix.EBUSY), 0, true, unix.EBUSY},
		{"bad error without errno", datagram{}.msg(unix.NLMSG_ERROR, 0, 7, nil), 0, true, ErrMalformed},
		{"bad positive errno", datagram{}.msg(unix.NLMSG_ERROR, 0, 7, binary.NativeEndian.AppendUint32(nil, 5)), 0, true, ErrMalformed},
		{"bad interrupted", datagram{}.msg(20, unix.NLM_F_DUMP_INTR, 7, good).done(7), 1, true, ErrInterrupted},
		{"bad interrupted in done only", datagram{}.msg(20, 2, 7, good).msg(unix.NLMSG_DONE, unix.NLM_F_DUMP_INTR, 7, nil), 1, true, ErrInterrupted},
		{"bad overrun", datagram{}.msg(unix.NLMSG_OVERRUN, 0, 7, nil).done(7), 0, true, ErrOverrun},
		{"bad message type", datagram{}.msg(99, 0, 7, good).done(7), 0, true, ErrMalformed},
		{"bad short socket", datagram{}.msg(20, 2, 7, good[:diagMsgLen-1]).msg(20, 2, 7, good).done(7), 1, true, ErrMalformed},
		{"bad family", datagram{}.msg(20, 2, 7, append([]byte{unix.AF_UNIX}, good[1:]...)).done(7), 0, true, ErrMalformed},
		{"bad length below header", datagram(appendHeader(nil, 20, 2, 7)), 0, false, ErrMalformed},
		{"bad length beyond datagram", datagram(datagram{}.msg(20, 2, 7, good)[:40]), 0, false, ErrMalformed},
		{"bad huge length", datagram{0xff, 0xff, 0xff, 0xff, 20, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}, 0, false, ErrMalformed},
		{"bad trailing bytes", append(datagram{}.msg(20, 2, 7, good), 1, 2, 3, 4), 1, false, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			a := answer{seq: 7, kind: 20, sock: new(Socket), each: func(*Socket) { n++ }}
			a.feed(tt.in)
			if n != tt.sockets || a.done != tt.done || !errors.Is(a.result(), tt.want) {
				t.Errorf("got %d sockets, done %v, %v; want %d, %v, %v", n, a.done, a.result(), tt.sockets, tt.done, tt.want)
			}
		})
	}
}

func TestAnswerKeepsFirstFlaw(t *testing.T) {
	a := answer{seq: 1, kind: 20, sock: new(Socket)}
	a.feed(datagram{}.msg(unix.NLMSG_OVERRUN, 0, 1, nil).msg(99, unix.NLM_F_DUMP_INTR, 1, nil).done(1))
	if !errors.Is(a.result(), ErrOverrun) {
		t.Errorf("got %v, want the overrun that came first", a.result())
	}
}

func FuzzDecode(f *testing.F) {
	v6sock := diag(Listen, v6, "[::]:0", attr(attrV6Only, []byte{1}))
	info := diag(CloseWait, v4, "198.51.100.7:40000", attr(99, []byte("foreign")), attr(attrInfo, tcpInfo(248, 1, 2, 3, 4, 5)))
	f.Add([]byte(datagram{}.msg(20, 2, 7, v6sock).msg(20, 2, 7, info).done(7)))
	f.Add([]byte(datagram{}.errno(7, unix.ENOENT)))
	f.Fuzz(func(t *testing.T, b []byte) {
		limit := len(b) / (nlmsgHdrLen + diagMsgLen)
		n := 0
		a := answer{seq: 7, kind: 20, info: true, sock: new(Socket)}
		a.each = func(s *Socket) {
			n++
			if s.Family != unix.AF_INET && s.Family != unix.AF_INET6 {
				t.Errorf("socket of family %d", s.Family)
			}
			if l := s.Local(); !l.IsValid() || l.Addr().Is4In6() {
				t.Errorf("local address %v", l)
			}
			if s.Family == unix.AF_INET && !s.Remote().Addr().Is4() {
				t.Errorf("remote address %v of an IPv4 socket", s.Remote())
			}
		}
		a.feed(b)
		if n > limit {
			t.Errorf("%d sockets in %d bytes", n, len(b))
		}
		if a.err != nil && !a.done {
			t.Error("an errno without a last word")
		}
	})
}
