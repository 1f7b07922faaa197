package lab

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	defaultHoardRate      = 4000
	mostHoardRate         = 50_000
	defaultConnectTimeout = 3 * time.Second
	mostPayload           = 4096
)

// Parting is how a Hoard closes its connections.
type Parting uint8

const (
	// ByReset closes with a TCP reset: the server's socket is gone at once.
	ByReset Parting = iota
	// ByFin closes in the ordinary way.
	ByFin
)

// HoardConfig describes a Hoard.
type HoardConfig struct {
	Target netip.AddrPort
	// Sources are used in turn; all of the target's family. Those of AttackRange may be used
	// among the attackers, those of ClientRange among the clients.
	Sources []netip.Addr
	// PerSource and Total bound the connections; 0 means no bound of this kind. At least one of
	// the two must be given.
	PerSource int
	Total     int
	// Rate bounds new connections per second, 1 to 50,000; 0 means 4,000.
	Rate int
	// Payload is sent on every connection that was established, at most 4,096 bytes; see
	// PartialRequest. Empty: the connections are silent.
	Payload []byte
	// ConnectTimeout is how long a handshake may take before it is given up and tried again;
	// 0 means three seconds.
	ConnectTimeout time.Duration
	// Parting is how connections are closed by Stop.
	Parting Parting
}

// PartialRequest is the beginning of an HTTP request that never ends: a payload which makes a held
// connection look alive.
func PartialRequest() []byte { return []byte("GET / HTTP/1.1\r\nHost: lab\r\nX-Wait: ") }

// Hoard is the connection flood: it opens connections, holds them, and opens again whatever was
// refused or closed. One thread does it all with non-blocking sockets.
type Hoard struct {
	config HoardConfig
	brief  *brief // nil: connections are held
	epoll  int
	slots  []hoardSlot
	vacant chan int32 // slots without a connection, longest vacant first; room for all of them
	pace   *pace

	held, connecting                            atomic.Int64
	attempts, refused, expired, lost, localErrs atomic.Uint64
	lastErr                                     atomic.Pointer[error]
	task                                        *task
}

// HoardCounts are a Hoard's gauges and counters at one moment.
type HoardCounts struct {
	// Held are established as the hoarder sees it. While the server's accept queue is full the
	// server may know fewer.
	Held       int
	Connecting int
	Attempts   uint64
	Refused    uint64 // answered with a reset, before the connection was established
	TimedOut   uint64 // not answered within ConnectTimeout
	Closed     uint64 // established, then closed or reset by the other side
	Errors     uint64 // not attempted properly, see LastError
}

// StartHoard starts the flood from inside n.
func StartHoard(ctx context.Context, n *Namespace, c HoardConfig) (*Hoard, error) {
	h, err := startHoard(ctx, n, c, nil)
	if err != nil {
		return nil, fmt.Errorf("start the hoard: %w", err)
	}
	return h, nil
}

func startHoard(ctx context.Context, n *Namespace, c HoardConfig, b *brief) (*Hoard, error) {
	size, err := c.complete()
	if err != nil {
		return nil, err
	}
	release, err := n.files.take(size+1, "open connections")
	if err != nil {
		return nil, err
	}
	h, err := newHoard(c, size, b)
	if err != nil {
		release()
		return nil, err
	}
	h.task, err = n.startTask(ctx, func(ctx context.Context) error {
		defer release()
		defer h.closeAll()
		return n.inside(func() error { return h.loop(ctx) })
	})
	if err != nil {
		unix.Close(h.epoll)
		release()
		return nil, err
	}
	return h, nil
}

// complete fills in the defaults and returns how many connections are wanted.
func (c *HoardConfig) complete() (size int, err error) {
	if err := checkPath(c.Sources, c.Target); err != nil {
		return 0, err
	}
	if c.PerSource < 0 || c.Total < 0 || c.PerSource+c.Total == 0 {
		return 0, fmt.Errorf("%d connections per source, %d in all: give one of them, and nothing negative", c.PerSource, c.Total)
	}
	if c.PerSource > 1<<16 {
		return 0, fmt.Errorf("%d connections per source: TCP has %d ports", c.PerSource, 1<<16-1)
	}
	if c.Rate == 0 {
		c.Rate = defaultHoardRate
	}
	if c.Rate < 1 || c.Rate > mostHoardRate {
		return 0, fmt.Errorf("rate %d: 1 to %d connections per second are allowed", c.Rate, mostHoardRate)
	}
	if len(c.Payload) > mostPayload {
		return 0, fmt.Errorf("payload of %d bytes: at most %d are allowed", len(c.Payload), mostPayload)
	}
	if c.ConnectTimeout < 0 {
		return 0, fmt.Errorf("connect time-out %s must not be negative", c.ConnectTimeout)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	size = c.PerSource * len(c.Sources)
	if size == 0 || c.Total > 0 && c.Total < size {
		size = c.Total
	}
	return size, nil
}

func newHoard(c HoardConfig, size int, b *brief) (*Hoard, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an epoll descriptor: %w", err)
	}
	h := &Hoard{config: c, brief: b, epoll: epoll, slots: make([]hoardSlot, size), vacant: make(chan int32, size)}
	for i := range h.slots {
		h.slots[i] = hoardSlot{fd: -1, source: c.Sources[i%len(c.Sources)]}
		h.vacant <- int32(i)
	}
	return h, nil
}

// Counts returns the gauges and counters.
func (h *Hoard) Counts() HoardCounts {
	return HoardCounts{
		Held:       int(h.held.Load()),
		Connecting: int(h.connecting.Load()),
		Attempts:   h.attempts.Load(),
		Refused:    h.refused.Load(),
		TimedOut:   h.expired.Load(),
		Closed:     h.lost.Load(),
		Errors:     h.localErrs.Load(),
	}
}

// LastError returns the most recent of Errors, or nil.
func (h *Hoard) LastError() error {
	if p := h.lastErr.Load(); p != nil {
		return *p
	}
	return nil
}

// Stop closes all connections and waits for it, 20 ms at most plus the closing itself.
func (h *Hoard) Stop() error { return h.task.stop() }
