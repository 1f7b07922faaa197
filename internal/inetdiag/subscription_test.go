package inetdiag

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// step is what a scripted socket receives.
type step struct {
	data []byte
	size int // reported length; 0: len(data)
	from uint32
	err  error
}

// groupScript is a multicast that plays steps back.
type groupScript struct {
	t       *testing.T
	steps   []step
	drops   []uint32 // what dropped says, one after the other
	members []bool   // what member was asked for
	fail    error
}

var _ multicast = (*groupScript)(nil)

func (g *groupScript) Recv(b []byte, wait bool) (int, uint32, error) {
	if wait {
		g.t.Error("Subscription waits inside a receive, where no Wake ends it")
	}
	if len(g.steps) == 0 {
		return 0, 0, unix.EAGAIN
	}
	st := g.steps[0]
	g.steps = g.steps[1:]
	copy(b, st.data)
	return max(st.size, len(st.data)), st.from, st.err
}

func (g *groupScript) Close() error                   { return nil }
func (g *groupScript) member(on bool) error           { g.members = append(g.members, on); return g.fail }
func (g *groupScript) wait(time.Duration, bool) error { return g.fail }
func (g *groupScript) wake() error                    { return g.fail }
func (g *groupScript) dropped() (uint32, error) {
	if g.fail != nil {
		return 0, g.fail
	}
	d := g.drops[0]
	g.drops = g.drops[1:]
	return d, nil
}

func TestSubscriptionRead(t *testing.T) {
	one := datagram{}.msg(sockDiagByFamily, ending(v4, "198.51.100.7:40000", 1, 20))
	tests := []struct {
		name   string
		steps  []step
		limit  int
		want   int
		more   bool
		broken uint64
		err    error
	}{
		{"nothing there", nil, 10, 0, false, 0, nil},
		{"all there is", []step{{data: one}, {data: one}}, 10, 2, false, 0, nil},
		{"up to the limit", []step{{data: one}, {data: one}}, 1, 1, true, 0, nil},
		{"what others send", []step{{data: one, from: 99}, {data: one}}, 10, 1, false, 0, nil},
		{"beyond a loss", []step{{data: one}, {err: unix.ENOBUFS}, {data: one}}, 10, 2, false, 0, nil},
		{"beyond a long one", []step{{data: one, size: noticeLen + 1}, {data: one}}, 10, 1, false, 1, nil},
		{"beyond a malformed one", []step{{data: one[:30]}, {data: one}}, 10, 1, false, 1, nil},
		{"until an error", []step{{data: one}, {err: unix.ENOTCONN}, {data: one}}, 10, 1, false, 0, unix.ENOTCONN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSubscription(&groupScript{t: t, steps: tt.steps, drops: []uint32{0}})
			n := 0
			more, err := s.Read(tt.limit, func(*Socket) { n++ })
			if n != tt.want || more != tt.more || !errors.Is(err, tt.err) {
				t.Errorf("got %d, more %v, %v; want %d, %v, %v", n, more, err, tt.want, tt.more, tt.err)
			}
			if lost, err := s.Lost(); lost != tt.broken || err != nil {
				t.Errorf("lost %d, %v; want %d", lost, err, tt.broken)
			}
		})
	}
}

func TestSubscriptionLost(t *testing.T) {
	g := &groupScript{drops: []uint32{0, 7, 7, 1<<32 - 1, 4}}
	s := newSubscription(g)
	for _, want := range []uint64{0, 7, 7, 1<<32 - 1, 1<<32 + 4} { // the kernel's count wraps
		if got, err := s.Lost(); got != want || err != nil {
			t.Errorf("lost %d, %v; want %d", got, err, want)
		}
	}
	g.fail = unix.EBADF
	if _, err := s.Lost(); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
}

func TestSubscriptionListen(t *testing.T) {
	g := &groupScript{fail: unix.EPERM}
	s := newSubscription(g)
	if err := s.Listen(true); !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
	g.fail = nil
	for _, on := range []bool{true, true, false, false, true} {
		if err := s.Listen(on); err != nil {
			t.Error(err)
		}
	}
	want := []bool{true, true, false, true} // the first one failed
	if len(g.members) != len(want) {
		t.Errorf("asked for %v, want %v", g.members, want)
	}
}
