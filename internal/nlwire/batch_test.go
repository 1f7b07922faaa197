package nlwire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// refusals collects what Batch says of single requests.
type refusals []string

func (r *refusals) each(i int, errno unix.Errno) { *r = append(*r, fmt.Sprint(i, " ", errno)) }

func three() [][]byte { return [][]byte{[]byte("abcd"), []byte("ef"), []byte("ghij")} }

func TestBatch(t *testing.T) {
	gone, last := datagram{}.errno(1, unix.ENOENT), datagram{}.errno(3, 0)
	tests := []struct {
		name  string
		steps []step
		got   refusals
		want  error
	}{
		{"OK all done", []step{{data: last}}, nil, nil},
		{"OK one refused", []step{{data: gone}, {data: last}}, refusals{"0 no such file or directory"}, nil},
		{"OK the last refused", []step{{data: datagram{}.errno(3, unix.EPERM)}}, refusals{"2 operation not permitted"}, nil},
		{"OK several in one datagram", []step{{data: datagram{}.errno(1, unix.ENOENT).errno(2, unix.EBUSY).errno(3, 0)}},
			refusals{"0 no such file or directory", "1 device or resource busy"}, nil},
		{"OK other senders and stale messages", []step{{data: gone, from: 9}, {data: datagram{}.errno(77, unix.EPERM)}, {data: last}}, nil, nil},
		{"bad silence", []step{{data: gone}, {err: unix.EAGAIN}}, refusals{"0 no such file or directory"}, ErrTimeout},
		{"bad overrun, what is queued is read", []step{{err: unix.ENOBUFS}, {data: gone}, {err: unix.EAGAIN}},
			refusals{"0 no such file or directory"}, ErrOverrun},
		{"bad overrun before the end", []step{{err: unix.ENOBUFS}, {data: last}}, nil, ErrOverrun},
		{"bad overruns without an end", slices.Repeat([]step{{err: unix.ENOBUFS}}, mostTries+2), nil, ErrOverrun},
		{"bad receive", []step{{err: unix.ENOTCONN}}, nil, unix.ENOTCONN},
		{"bad receive after an overrun", []step{{err: unix.ENOBUFS}, {err: unix.ENOTCONN}}, nil, unix.ENOTCONN},
		{"bad truncated", []step{{data: last, size: receiveBuffer + 1}, {data: last}}, nil, ErrTruncated},
		{"bad message type", []step{{data: datagram{}.item(1, "abcd")}, {data: last}}, nil, ErrMalformed},
		{"bad positive errno", []step{{data: datagram{}.msg(unix.NLMSG_ERROR, 0, 3, "\x05\x05\x05\x05")}}, nil, ErrMalformed},
		{"bad length", []step{{data: append(datagram{}.errno(3, 0), 1, 2)}}, nil, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{t: t, steps: tt.steps}
			c := newConn(s)
			var got refusals
			err := c.Batch(item, three(), got.each)
			if !errors.Is(err, tt.want) || !slices.Equal(got, tt.got) {
				t.Errorf("got %v, %v; want %v, %v", got, err, tt.got, tt.want)
			}
			s.steps = []step{{data: datagram{}.errno(4, 0)}}
			if err := c.Batch(item, three()[:1], got.each); err != nil {
				t.Errorf("the next batch: %v", err)
			}
		})
	}
}

func TestBatchSends(t *testing.T) {
	s := &script{t: t, steps: []step{{data: datagram{}.errno(3, 0)}}}
	c := newConn(s)
	if err := c.Batch(item, three(), nil); err != nil {
		t.Fatal(err)
	}
	want := datagram{}.msg(item, unix.NLM_F_REQUEST, 1, "abcd").msg(item, unix.NLM_F_REQUEST, 2, "ef").
		msg(item, unix.NLM_F_REQUEST|unix.NLM_F_ACK, 3, "ghij")
	if len(s.sent) != 1 || !bytes.Equal(s.sent[0], want) {
		t.Errorf("sent %x, want %x", s.sent, want)
	}
	if err := c.Batch(item, nil, nil); err != nil || len(s.sent) != 1 {
		t.Errorf("an empty batch: %v, %d sent", err, len(s.sent))
	}
	if err := c.Batch(item, make([][]byte, MaxBatch+1), nil); err == nil || len(s.sent) != 1 {
		t.Errorf("too large a batch: %v, %d sent", err, len(s.sent))
	}
	s.fail = unix.EPERM
	if err := c.Batch(item, three(), nil); !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
	c.busy = true
	if err := c.Batch(item, three(), nil); !errors.Is(err, errBusy) {
		t.Errorf("inside a callback: %v", err)
	}
}

// TestBatchOfRefusals: what the kernel says to a full batch of bad requests is all there.
func TestBatchOfRefusals(t *testing.T) {
	c, err := Open(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	bodies := make([][]byte, MaxBatch)
	for i := range bodies {
		bodies[i] = make([]byte, 300)
	}
	for range 3 {
		n := 0
		err := c.Batch(unix.RTM_GETADDR+2, bodies, func(i int, errno unix.Errno) { // a hole between the requests
			if i != n || errno == 0 {
				t.Errorf("request %d: %v, want %d refused", i, errno, n)
			}
			n++
		})
		if err != nil || n != MaxBatch {
			t.Errorf("%d of %d refused, %v", n, MaxBatch, err)
		}
	}
}

// FuzzBatch checks that no answer names a request that was not sent.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(datagram{}.errno(7, unix.ENOENT).errno(9, 0)), 0)
	f.Add([]byte(datagram{}.item(7, "abc").errno(8, unix.EPERM)), 5)
	f.Add([]byte(datagram{}.msg(unix.NLMSG_ERROR, 0, 9, "ab")), 1)
	f.Fuzz(func(t *testing.T, data []byte, more int) {
		b := batch{first: 7, last: 9}
		b.feed(data, len(data)+max(0, more), func(i int, errno unix.Errno) {
			if i < 0 || i > 2 || errno == 0 {
				t.Errorf("request %d, errno %d", i, errno)
			}
		})
	})
}
