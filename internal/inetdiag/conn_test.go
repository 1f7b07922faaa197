package inetdiag

import (
	"errors"
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
	sent  int
}

var _ wire = (*script)(nil)

func (s *script) send([]byte) error { s.sent++; return nil }
func (s *script) close() error      { return nil }

func (s *script) recv(b []byte, wait bool) (int, uint32, error) {
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

func TestConnDump(t *testing.T) {
	sock := diag(Established, v4, "198.51.100.7:40000")
	one := datagram{}.msg(20, 2, 1, sock)
	tests := []struct {
		name    string
		steps   []step
		sockets int
		want    error
	}{
		{"OK", []step{{data: one}, {data: one}, {data: datagram{}.done(1)}}, 2, nil},
		{"OK other senders are ignored", []step{{data: one, from: 99}, {data: one}, {data: datagram{}.done(1)}}, 1, nil},
		{"bad overrun, rest is read", []step{{data: one}, {err: unix.ENOBUFS}, {data: one}, {data: datagram{}.done(1)}}, 2, ErrOverrun},
		{"bad truncated, rest is read", []step{{data: one, size: receiveBuffer + 1}, {data: one}, {data: datagram{}.done(1)}}, 2, ErrTruncated},
		{"bad silence", []step{{data: one}, {err: unix.EAGAIN}}, 1, ErrTimeout},
		{"bad refused", []step{{data: datagram{}.errno(1, unix.EINVAL)}}, 0, unix.EINVAL},
		{"bad receive", []step{{err: unix.ENOTCONN}}, 0, unix.ENOTCONN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t, steps: tt.steps}
			n := 0
			err := newConn(s).Dump(Request{Family: unix.AF_INET, States: StatesOf(Established)}, func(*Socket) { n++ })
			if !errors.Is(err, tt.want) || n < tt.sockets {
				t.Errorf("got %d sockets, %v; want %d, %v", n, err, tt.sockets, tt.want)
			}
			if len(s.steps) != 0 {
				t.Errorf("%d answers were left unread", len(s.steps))
			}
		})
	}
}

func TestConnAfterAbandonedDump(t *testing.T) {
	sock := diag(Established, v4, "198.51.100.7:40000")
	req := Request{Family: unix.AF_INET, States: StatesOf(Established)}
	tests := []struct {
		name string
		rest []step // what the first dump still has to say
	}{
		{"rest up to its end", []step{{data: datagram{}.msg(20, 2, 1, sock)}, {err: unix.ENOBUFS}, {data: datagram{}.done(1)}}},
		{"end was lost", []step{{data: datagram{}.msg(20, 2, 1, sock)}, {err: unix.EAGAIN}}},
		{"late end", []step{{err: unix.EAGAIN}, {data: datagram{}.msg(20, 2, 1, sock).done(1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t, steps: []step{{data: datagram{}.msg(20, 2, 1, sock)}}}
			c := newConn(s)
			reads := 0
			first := req
			first.Stop = func() bool { reads++; return reads > 1 }
			if err := c.Dump(first, func(*Socket) {}); !errors.Is(err, ErrStopped) {
				t.Fatalf("got %v, want ErrStopped", err)
			}
			s.steps = append(tt.rest, step{data: datagram{}.msg(20, 2, 2, sock).done(2)})
			n := 0
			if err := c.Dump(req, func(*Socket) { n++ }); err != nil || n != 1 {
				t.Errorf("second dump: %d sockets, %v; want 1, nil", n, err)
			}
		})
	}
}

func TestConnRefusesReentry(t *testing.T) {
	sock := diag(Established, v4, "198.51.100.7:40000")
	s := &script{t: t, steps: []step{{data: datagram{}.msg(20, 2, 1, sock).done(1)}}}
	c := newConn(s)
	req := Request{Family: unix.AF_INET, States: StatesOf(Established)}
	var dump, destroy error
	if err := c.Dump(req, func(s *Socket) {
		dump = c.Dump(req, func(*Socket) {})
		destroy = c.Destroy(s.Family, s.ID)
	}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(dump, errBusy) || !errors.Is(destroy, errBusy) || s.sent != 1 {
		t.Errorf("inside a callback: dump %v, destroy %v, %d requests sent", dump, destroy, s.sent)
	}
}

func TestConnRefusesBadRequests(t *testing.T) {
	tests := []struct {
		name string
		req  Request
	}{
		{"family", Request{Family: unix.AF_UNIX, States: 1}},
		{"no states", Request{Family: unix.AF_INET}},
		{"odd filter", Request{Family: unix.AF_INET, States: 1, Filter: make([]byte, 5)}},
		{"long filter", Request{Family: unix.AF_INET, States: 1, Filter: make([]byte, 1<<16)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t}
			if err := newConn(s).Dump(tt.req, nil); err == nil || s.sent != 0 {
				t.Errorf("got %v after %d requests; want an error and none", err, s.sent)
			}
		})
	}
}

func TestConnDestroyErrors(t *testing.T) {
	tests := []struct {
		name   string
		answer unix.Errno
		want   error
	}{
		{"acknowledged", 0, nil},
		{"gone", unix.ENOENT, ErrGone},
		{"not in this kernel", unix.EOPNOTSUPP, ErrNoDestroy},
		{"not permitted", unix.EPERM, unix.EPERM},
		{"anything else", unix.EINVAL, unix.EINVAL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn(&script{t: t, steps: []step{{data: datagram{}.errno(1, tt.answer)}}})
			if err := c.Destroy(unix.AF_INET, ID{}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if err := newConn(&script{t: t}).Destroy(unix.AF_UNIX, ID{}); err == nil {
		t.Error("a foreign family was accepted")
	}
}
