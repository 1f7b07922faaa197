package lab

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	defaultChurnAtOnce  = 500
	mostChurnAtOnce     = 10_000
	defaultChurnTimeout = time.Second
)

// ChurnConfig describes a Churn.
type ChurnConfig struct {
	Target netip.AddrPort
	// Sources are used in turn; all of the target's family. Those of AttackRange may be used
	// among the attackers, those of ClientRange among the clients.
	Sources []netip.Addr
	// Rate is new connections per second of all sources together, 1 to 50,000. While AtOnce are
	// under way, as the server answers too slowly, fewer are begun.
	Rate int
	// AtOnce bounds the connections, and with them the descriptors, that are open at any moment:
	// 1 to 10,000; 0 means 500.
	AtOnce int
	// Attempts bounds the connections that are begun in all; 0: no bound.
	Attempts uint64
	// ConnectTimeout is how long a handshake may take before it is given up; 0 means one second.
	ConnectTimeout time.Duration
	// Parting is how a connection is closed as soon as it is established. After ByFin the attacker's
	// kernel remembers each for a minute (TIME_WAIT), of which a source can have some 28,000: a long
	// churn of few sources ends in Errors.
	Parting Parting
}

// Churn is the flood of short connections: it completes handshakes at a rate and closes each
// connection at once. It holds nothing, so no limit of held connections notices it.
type Churn struct{ hoard *Hoard }

// ChurnCounts are a Churn's gauge and counters at one moment.
type ChurnCounts struct {
	Connecting int
	Attempts   uint64
	Completed  uint64 // established as the churner sees it, then closed by it
	Refused    uint64 // answered with a reset, before the connection was established
	TimedOut   uint64 // not answered within ConnectTimeout
	Errors     uint64 // not attempted properly, see LastError
}

// brief makes a Hoard close each connection as soon as it is established.
type brief struct {
	most      uint64 // attempts in all; 0: no bound
	completed atomic.Uint64
}

// StartChurn starts the flood from inside n.
func StartChurn(ctx context.Context, n *Namespace, c ChurnConfig) (*Churn, error) {
	if c.Rate < 1 {
		return nil, fmt.Errorf("start the churn: rate %d: 1 to %d connections per second are allowed", c.Rate, mostHoardRate)
	}
	if c.AtOnce < 0 || c.AtOnce > mostChurnAtOnce {
		return nil, fmt.Errorf("start the churn: %d connections at once: 1 to %d are allowed", c.AtOnce, mostChurnAtOnce)
	}
	if c.AtOnce == 0 {
		c.AtOnce = defaultChurnAtOnce
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultChurnTimeout
	}
	h, err := startHoard(ctx, n, HoardConfig{
		Target: c.Target, Sources: c.Sources, Total: c.AtOnce, Rate: c.Rate,
		ConnectTimeout: c.ConnectTimeout, Parting: c.Parting,
	}, &brief{most: c.Attempts})
	if err != nil {
		return nil, fmt.Errorf("start the churn: %w", err)
	}
	return &Churn{h}, nil
}

// Counts returns the gauge and the counters.
func (c *Churn) Counts() ChurnCounts {
	h := c.hoard.Counts()
	return ChurnCounts{
		Connecting: h.Connecting, Attempts: h.Attempts, Completed: c.hoard.brief.completed.Load(),
		Refused: h.Refused, TimedOut: h.TimedOut, Errors: h.Errors,
	}
}

// LastError returns the most recent of Errors, or nil.
func (c *Churn) LastError() error { return c.hoard.LastError() }

// Stop ends the flood, resets or closes what is under way, and waits for it.
func (c *Churn) Stop() error { return c.hoard.Stop() }
