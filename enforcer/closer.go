package enforcer

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

const (
	// maxCandidates bounds the memory of one run: what is beyond is left to the next.
	maxCandidates = 200_000
	// closeBudget bounds the time of one run, so that a reload or a stop need not wait for long.
	// The kernel closes about 20,000 connections a second.
	closeBudget = 2 * time.Second
)

// Closer closes connections. It has a netlink socket of its own and may be used beside Table,
// but not by two goroutines at once.
type Closer struct {
	conn *inetdiag.Conn
	now  func() time.Time
}

// OpenCloser opens the socket in the calling thread's network namespace.
func OpenCloser() (*Closer, error) {
	conn, err := inetdiag.Open()
	if err != nil {
		return nil, err
	}
	return &Closer{conn: conn, now: time.Now}, nil
}

// Close gives the socket back.
func (c *Closer) Close() error { return c.conn.Close() }

// Closed is the outcome of one run of Excess.
type Closed struct {
	Counts map[string]int // connections closed, by service
	Left   int            // that should have been closed, but the run's bounds did not allow it
}

// Excess closes what limited sources hold beyond their limits, least progress first, and never
// below the limit: it counts afresh, whatever the decision's numbers were. Only limits that ask
// for it (Limit.Close) of services in enforce mode are looked at. Exempt addresses and the host's own are neither
// counted nor closed, even inside a limited prefix (P4).
//
// Connections that end meanwhile are no error. A dump that is not whole closes nothing of what it
// missed; the next census will say what is left.
func (c *Closer) Excess(p *policy.Policy, limits []policy.Limit) (Closed, error) {
	w := newExcess(p, limits)
	out := Closed{Counts: make(map[string]int)}
	if len(w.groups) == 0 {
		return out, nil
	}
	own, err := ownAddresses()
	if err != nil {
		return out, err
	}
	w.own = own
	filter, err := inetdiag.PortFilter(w.ports)
	if err != nil {
		return out, fmt.Errorf("select the services' ports: %w", err)
	}
	if err := c.conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.StatesOf(inetdiag.Listen), Filter: filter}, w.listener); err != nil {
		return out, fmt.Errorf("list listeners: %w", err)
	}
	dumpErr := c.conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.Holding, Info: true, Filter: filter}, w.connection)
	if dumpErr != nil {
		dumpErr = fmt.Errorf("list connections: %w", dumpErr)
	}
	return out, errors.Join(dumpErr, c.destroy(w, &out))
}

// destroy closes the excess of every group until the time is up.
func (c *Closer) destroy(w *excess, out *Closed) error {
	end := c.now().Add(closeBudget)
	for i := range w.groups {
		g := &w.groups[i]
		n := min(g.held-g.keep, len(g.list))
		if n <= 0 {
			continue
		}
		leastProgress(g.list)
		for j, victim := range g.list[:n] {
			if c.now().After(end) {
				out.Left += n - j
				break
			}
			err := c.conn.Destroy(victim.family, victim.id)
			switch {
			case err == nil:
				out.Counts[g.service]++
			case errors.Is(err, inetdiag.ErrGone):
			default:
				return fmt.Errorf("close a connection of %s to %q: %w", g.source, g.service, err)
			}
		}
	}
	return nil
}
