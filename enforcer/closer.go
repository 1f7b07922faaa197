package enforcer

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
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
	// maxSourcesClosed bounds Closed.BySource.
	maxSourcesClosed = 10_000
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

// Closed is the outcome of one run of Cut.
type Closed struct {
	Counts   map[string]int // connections closed, by service
	Left     int            // that should have been closed, but the run's bounds did not allow it
	BySource []SourceClosed // the same by source, sorted by service and source; at most 10,000, the heaviest
}

// SourceClosed counts the connections of one plain source that were closed.
type SourceClosed struct {
	Service string
	Source  netip.Prefix // as policy.Group has it
	Count   int
}

// Cut closes what a decision asks to close, from one dump: everything a blocked source holds
// (Block.Close), what limited sources and prefixes hold beyond their limits (Limit.Close), least
// progress first and finest prefix first, and silent connections of services that are to be relieved.
// It counts afresh, whatever the decision's numbers were, and never goes below a limit. Blocks come
// first where the run's bounds do not suffice.
//
// Only services in enforce mode are looked at, and only connections that came in through their
// listeners (P7). Exempt addresses, administrators on sshd's ports and the host's own are neither
// counted nor closed, even inside a blocked prefix (P4). Sources with limits of their own are no part
// of wider prefixes.
//
// Connections that end meanwhile are no error. A dump that is not whole closes nothing of what it
// missed; the next census will say what is left.
func (c *Closer) Cut(p *policy.Policy, d *policy.Decision) (Closed, error) {
	w := newCut(p, d)
	out := Closed{Counts: make(map[string]int)}
	if len(w.services) == 0 {
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
	out.Left = w.missed
	return out, errors.Join(dumpErr, c.destroy(w.victims(), w.bits, &out))
}

// destroy closes connections in their order until the time is up. ipv6Bits is the length of a plain
// IPv6 source.
func (c *Closer) destroy(victims []*candidate, ipv6Bits int, out *Closed) error {
	type key struct {
		service string
		source  netip.Prefix
	}
	sources := make(map[key]int)
	defer func() {
		for k, n := range sources {
			out.BySource = append(out.BySource, SourceClosed{k.service, k.source, n})
		}
		out.BySource = heaviest(out.BySource, maxSourcesClosed)
	}()
	end := c.now().Add(closeBudget)
	for i, v := range victims {
		if c.now().After(end) {
			out.Left += len(victims) - i
			return nil
		}
		service := v.service.svc.Name
		err := c.conn.Destroy(v.family, v.id)
		switch {
		case err == nil:
			out.Counts[service]++
			sources[key{service, policy.Group(v.remote, ipv6Bits)}]++
		case errors.Is(err, inetdiag.ErrGone):
		default:
			return fmt.Errorf("close a connection of %s to %q: %w", v.remote, service, err)
		}
	}
	return nil
}

// heaviest keeps the n sources of which most was closed, sorted by service and source.
func heaviest(list []SourceClosed, n int) []SourceClosed {
	place := func(a, b SourceClosed) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), policy.ComparePrefix(a.Source, b.Source))
	}
	if len(list) > n {
		slices.SortFunc(list, func(a, b SourceClosed) int { return cmp.Or(b.Count-a.Count, place(a, b)) })
		list = list[:n]
	}
	slices.SortFunc(list, place)
	return list
}
