package nlwire

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// step is one answer of a scripted wire.
type step struct {
	data []byte
	size int // reported length; 0: len(data)
	from uint32
	err  error
}

// script is a wire that plays steps back. Sequence numbers in them count from 1, like a Conn's.
type script struct {
	t     *testing.T
	steps []step
	sent  [][]byte
	fail  error // of send
}

var _ wire = (*script)(nil)

func (s *script) send(b []byte) error {
	s.sent = append(s.sent, bytes.Clone(b))
	return s.fail
}

func (s *script) Close() error { return nil }

func (s *script) Recv(b []byte, wait bool) (int, uint32, error) {
	if len(s.steps) == 0 {
		if wait {
			s.t.Fatal("Conn waits for more than the script has")
		}
		return 0, 0, unix.EAGAIN
	}
	st := s.steps[0]
	s.steps = s.steps[1:]
	copy(b, st.data)
	return max(st.size, len(st.data)), st.from, st.err
}

var dump = Request{Type: 0x0a0d, Dump: true, Answer: item}

func TestConnDo(t *testing.T) {
	one := datagram{}.item(1, "a")
	end := step{data: datagram{}.done(1)}
	tests := []struct {
		name  string
		steps []step
		items int
		want  error
	}{
		{"OK", []step{{data: one}, {data: one}, end}, 2, nil},
		{"OK other senders are ignored", []step{{data: one, from: 99}, {data: one}, end}, 1, nil},
		{"bad overrun, rest is read", []step{{data: one}, {err: unix.ENOBUFS}, {data: one}, end}, 2, ErrOverrun},
		{"bad overruns without an end", append([]step{{data: one}}, slices.Repeat([]step{{err: unix.ENOBUFS}}, mostTries)...), 1, ErrOverrun},
		{"bad truncated, rest is read", []step{{data: one, size: receiveBuffer + 1}, {data: one}, end}, 2, ErrTruncated},
		{"bad silence", []step{{data: one}, {err: unix.EAGAIN}}, 1, ErrTimeout},
		{"bad refused", []step{{data: datagram{}.errno(1, unix.EINVAL)}}, 0, unix.EINVAL},
		{"bad receive", []step{{err: unix.ENOTCONN}}, 0, unix.ENOTCONN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t, steps: tt.steps}
			n := 0
			c := newConn(s)
			err := c.Do(&dump, func(b []byte) bool { n++; return string(b) == "a" })
			if !errors.Is(err, tt.want) || n < tt.items {
				t.Errorf("got %d items, %v; want %d, %v", n, err, tt.items, tt.want)
			}
			if len(s.steps) != 0 {
				t.Errorf("%d answers were left unread", len(s.steps))
			}
			if c.open {
				s.steps = []step{{err: unix.EAGAIN}}
			}
			s.steps = append(s.steps, step{data: datagram{}.item(2, "a").done(2)})
			n = 0
			if err := c.Do(&dump, func([]byte) bool { n++; return true }); err != nil || n != 1 {
				t.Errorf("the next request: %d items, %v; want 1, nil", n, err)
			}
		})
	}
}

func TestConnAfterAbandonedDump(t *testing.T) {
	tests := []struct {
		name string
		rest []step // what the first dump still has to say
	}{
		{"rest up to its end", []step{{data: datagram{}.item(1, "x")}, {err: unix.ENOBUFS}, {data: datagram{}.done(1)}}},
		{"end was lost", []step{{data: datagram{}.item(1, "x")}, {err: unix.EAGAIN}}},
		{"late end", []step{{err: unix.EAGAIN}, {data: datagram{}.item(1, "x").done(1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t, steps: []step{{data: datagram{}.item(1, "x")}}}
			c := newConn(s)
			reads := 0
			first := dump
			first.Stop = func() bool { reads++; return reads > 1 }
			if err := c.Do(&first, nil); !errors.Is(err, ErrStopped) {
				t.Fatalf("got %v, want ErrStopped", err)
			}
			s.steps = append(tt.rest, step{data: datagram{}.item(2, "a").done(2)})
			n := 0
			if err := c.Do(&dump, func(b []byte) bool { n++; return string(b) == "a" }); err != nil || n != 1 {
				t.Errorf("second dump: %d items, %v; want 1, nil", n, err)
			}
		})
	}
	s := &script{t: t, steps: []step{{err: unix.EAGAIN}, {err: unix.ENOTCONN}}}
	c := newConn(s)
	if err := c.Do(&dump, nil); !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v, want ErrTimeout", err)
	}
	if err := c.Do(&dump, nil); !errors.Is(err, unix.ENOTCONN) {
		t.Errorf("got %v, want what reading the rest met with", err)
	}
	s.steps = slices.Repeat([]step{{err: unix.ENOBUFS}}, mostTries+1)
	if err := c.Do(&dump, nil); !errors.Is(err, unix.ENOBUFS) || len(s.steps) != 0 {
		t.Errorf("got %v with %d losses to go, want the loss after %d", err, len(s.steps), mostTries)
	}
}

func TestConnRefusesReentry(t *testing.T) {
	s := &script{t: t, steps: []step{{data: datagram{}.item(1, "a").done(1)}}}
	c := newConn(s)
	var inner error
	if err := c.Do(&dump, func([]byte) bool { inner = c.Do(&dump, nil); return true }); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(inner, errBusy) || len(s.sent) != 1 {
		t.Errorf("inside a callback: %v, %d requests sent", inner, len(s.sent))
	}
}

func TestConnSends(t *testing.T) {
	s := &script{t: t, steps: []step{{data: datagram{}.done(1)}, {data: datagram{}.errno(2, 0)}}}
	c := newConn(s)
	get := Request{Type: 0x0a0a, Body: []byte("body"), Answer: item}
	if err := errors.Join(c.Do(&dump, nil), c.Do(&get, nil)); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{
		datagram{}.msg(0x0a0d, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, 1, ""),
		datagram{}.msg(0x0a0a, unix.NLM_F_REQUEST|unix.NLM_F_ACK, 2, "body"),
	}
	for i := range want {
		if !bytes.Equal(s.sent[i], want[i]) {
			t.Errorf("request %d: sent %x, want %x", i, s.sent[i], want[i])
		}
	}
	s.fail = unix.EPERM
	if err := c.Do(&get, nil); !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
}

func TestOpenNamesTheProtocol(t *testing.T) {
	if _, err := Open(31); !errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Errorf("got %v, want EPROTONOSUPPORT", err)
	}
}

// TestKernel asks the kernel's routing tables, which any process may read, for its links.
func TestKernel(t *testing.T) {
	c, err := Open(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	links := Request{Type: unix.RTM_GETLINK, Dump: true, Answer: unix.RTM_NEWLINK, Body: make([]byte, unix.SizeofIfInfomsg)}
	for range 2 {
		n = 0
		if err := c.Do(&links, func(b []byte) bool { n++; return len(b) >= unix.SizeofIfInfomsg }); err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 {
		t.Error("no link was reported, not even lo")
	}
	links.Type = unix.RTM_GETADDR + 2 // a hole between the requests
	if err := c.Do(&links, nil); err == nil {
		t.Error("a request the kernel does not know was accepted")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
