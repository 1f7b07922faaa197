package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// idleWait bounds how long the loop sleeps, and so how long Stop takes.
	idleWait = 20 * time.Millisecond
	// busyWait is the loop's step while connections are to be opened.
	busyWait = time.Millisecond
	// sweepEvery is how often handshakes are checked for their time-out.
	sweepEvery = 100 * time.Millisecond
)

// hoardSlot is one place for a connection. Its source never changes while connections are held, so
// PerSource holds by itself.
type hoardSlot struct {
	fd          int // -1: vacant
	source      netip.Addr
	established bool
	opened      time.Time
}

// loop runs on a thread inside the namespace and owns the slots.
func (h *Hoard) loop(ctx context.Context) error {
	events := make([]unix.EpollEvent, 256)
	h.pace = newPace(h.config.Rate, h.config.Rate/20, time.Now())
	swept := time.Now()
	for ctx.Err() == nil {
		wait := idleWait
		if h.wanted() > 0 {
			wait = busyWait
		}
		n, err := unix.EpollWait(h.epoll, events, int(wait/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for the hoard's connections: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			h.handle(e.Fd, e.Events)
		}
		now := time.Now()
		for range h.pace.due(now, h.wanted()) {
			h.open(<-h.vacant, now)
		}
		if now.Sub(swept) >= sweepEvery {
			h.sweep(now)
			swept = now
		}
	}
	return nil
}

// wanted returns how many connections may be begun now.
func (h *Hoard) wanted() int {
	if h.brief != nil && h.brief.most > 0 {
		return int(min(uint64(len(h.vacant)), h.brief.most-h.attempts.Load()))
	}
	return len(h.vacant)
}

// open begins one connection.
func (h *Hoard) open(i int32, now time.Time) {
	s := &h.slots[i]
	if h.brief != nil {
		s.source = h.config.Sources[h.attempts.Load()%uint64(len(h.config.Sources))]
	}
	h.attempts.Add(1)
	fd, err := startConnect(s.source, h.config.Target)
	if err != nil {
		h.fail(err)
		h.vacant <- i
		return
	}
	s.fd, s.opened, s.established = fd, now, false
	h.connecting.Add(1)
	err = unix.EpollCtl(h.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLRDHUP, Fd: i})
	if err != nil {
		h.fail(fmt.Errorf("watch a connection: %w", err))
		h.vacate(i)
	}
}

// handle takes an epoll event of slot i. A slot is vacated at most once per batch of events, no
// event comes after that, and the slot is filled again only after the batch: an event never meets
// another connection than its own.
func (h *Hoard) handle(i int32, events uint32) {
	s := &h.slots[i]
	if s.established {
		h.lost.Add(1)
		h.vacate(i)
		return
	}
	if err := socketError(s.fd); err != nil {
		h.fail(err)
		h.vacate(i)
		return
	}
	if events&unix.EPOLLOUT == 0 || events&unix.EPOLLHUP != 0 {
		h.refused.Add(1)
		h.vacate(i)
		return
	}
	s.established = true
	h.connecting.Add(-1)
	h.held.Add(1)
	if h.brief != nil {
		h.brief.completed.Add(1)
		h.vacate(i)
		return
	}
	h.settle(i)
}

// settle sends the payload and from now on waits for the other side's close only.
func (h *Hoard) settle(i int32) {
	fd := h.slots[i].fd
	if len(h.config.Payload) > 0 {
		if _, err := unix.SendmsgN(fd, h.config.Payload, nil, nil, unix.MSG_NOSIGNAL); err != nil {
			h.lost.Add(1)
			h.vacate(i)
			return
		}
	}
	err := unix.EpollCtl(h.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLRDHUP, Fd: i})
	if err != nil {
		h.fail(fmt.Errorf("watch a connection: %w", err))
		h.vacate(i)
	}
}

// fail counts an attempt that came to nothing.
func (h *Hoard) fail(err error) {
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ECONNRESET):
		h.refused.Add(1)
	case errors.Is(err, unix.ETIMEDOUT):
		h.expired.Add(1)
	default:
		h.localErrs.Add(1)
		h.lastErr.Store(&err)
	}
}

// sweep gives up handshakes that take too long.
func (h *Hoard) sweep(now time.Time) {
	if h.connecting.Load() == 0 {
		return
	}
	for i := range h.slots {
		s := &h.slots[i]
		if s.fd >= 0 && !s.established && now.Sub(s.opened) > h.config.ConnectTimeout {
			h.expired.Add(1)
			h.vacate(int32(i))
		}
	}
}

// vacate closes a slot's connection and queues the slot to be filled again.
func (h *Hoard) vacate(i int32) {
	s := &h.slots[i]
	if h.config.Parting == ByReset {
		// Should this fail the connection is closed by FIN, which frees us as well.
		_ = unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	// close(2) alone does not end epoll's reports while a process that was just forked, and has not
	// executed its program yet, holds a copy of the descriptor; see epoll(7), question 6.
	_ = unix.EpollCtl(h.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
	unix.Close(s.fd)
	s.fd = -1
	if s.established {
		h.held.Add(-1)
	} else {
		h.connecting.Add(-1)
	}
	h.vacant <- i
}

func (h *Hoard) closeAll() {
	for i := range h.slots {
		if h.slots[i].fd >= 0 {
			h.vacate(int32(i))
		}
	}
	unix.Close(h.epoll)
}
