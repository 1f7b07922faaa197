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

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/ownaddr"
	"ebbgate/policy"
)

const (
	// maxCandidates bounds the memory of one run: what is beyond is left to the next.
	maxCandidates = 200_000
	// closeBudget bounds the time of one run, so that a reload or a stop need not wait for long.
	// The kernel closes more than 100,000 sockets a second. A forwarded connection takes 30 microseconds,
	// most of them to tell its server.
	closeBudget = 2 * time.Second
	// maxSourcesClosed bounds Closed.BySource.
	maxSourcesClosed = 10_000
)

// Closer closes connections. It has netlink sockets of its own, needs a Table for its marks alone, and may be
// used beside it, but not by two goroutines at once.
type Closer struct {
	conn   *inetdiag.Conn
	tracks *ctnetlink.Conn              // nil: the kernel has no conntrack, so that there are no forwarded connections to see
	mark   func([]netip.AddrPort) error // Mark of a Table; nil: forwarded connections are left alone
	prod   func(*flow) error
	now    func() time.Time
	batch  int  // connections that are closed at once
	noLow  bool // it was said that clients' low ports cannot be used for prods
}

// OpenCloser opens the sockets in the calling thread's network namespace. What is passed on is cut only with
// a table, by whose rules the packets of what was cut are answered (Table.Mark); nil cuts sockets alone.
func OpenCloser(t *Table) (*Closer, error) {
	conn, err := inetdiag.Open()
	if err != nil {
		return nil, err
	}
	var mark func([]netip.AddrPort) error
	if t != nil {
		mark = t.Mark
	}
	c := &Closer{conn: conn, mark: mark, prod: prod, now: time.Now, batch: min(inetdiag.MaxBatch, ctnetlink.MaxBatch)}
	c.tracks, err = ctnetlink.Open()
	if err != nil && !errors.Is(err, ctnetlink.ErrNoConntrack) {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// Close gives the sockets back.
func (c *Closer) Close() error {
	if c.tracks == nil {
		return c.conn.Close()
	}
	return errors.Join(c.conn.Close(), c.tracks.Close())
}

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

// Cut closes what a decision asks to close, from one dump of sockets and one of conntrack: everything a
// blocked source holds (Block.Close), what limited sources and prefixes hold beyond their limits
// (Limit.Close), least progress first and finest prefix first, and silent connections of services that
// are to be relieved. It counts afresh, whatever the decision's numbers were, and never goes below a
// limit. Blocks come first where the run's bounds do not suffice.
//
// Only services in enforce mode are looked at, and only connections that came in through their
// listeners or are passed on for them (P7). Exempt addresses, administrators on sshd's ports and the
// host's own are neither counted nor closed, even inside a blocked prefix (P4). Sources with limits of
// their own are no part of wider prefixes. Reliefs close sockets only: what is passed on could go on with
// its next packet, as its source is not turned away.
//
// Connections that end meanwhile are no error. A dump that is not whole closes nothing of what it
// missed; the next census will say what is left. A refusal by the kernel does not keep Cut from trying
// the rest.
func (c *Closer) Cut(p *policy.Policy, d *policy.Decision) (Closed, error) {
	w := newCut(p, d)
	out := Closed{Counts: make(map[string]int)}
	if len(w.services) == 0 {
		return out, nil
	}
	own, err := ownaddr.Read()
	if err != nil {
		return out, err
	}
	w.own = own
	dumpErr := errors.Join(c.sockets(w), c.passedOn(w))
	out.Left = w.missed
	return out, errors.Join(dumpErr, c.end(w.victims(), w.bits, &out))
}

// sockets takes in the connections that end at this host.
func (c *Closer) sockets(w *cut) error {
	if len(w.ports) == 0 {
		return nil
	}
	filter, err := inetdiag.PortFilter(w.ports)
	if err != nil {
		return fmt.Errorf("select the services' ports: %w", err)
	}
	if err := c.conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.StatesOf(inetdiag.Listen), Filter: filter}, w.listener); err != nil {
		return fmt.Errorf("list listeners: %w", err)
	}
	if err := c.conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.Holding, Info: true, Filter: filter}, w.connection); err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	return nil
}

// passedOn takes in those that go through it. Without conntrack there are none to be seen, and without a
// table there is nothing to end them by.
func (c *Closer) passedOn(w *cut) error {
	if !w.onward || c.tracks == nil || c.mark == nil {
		return nil
	}
	err := c.tracks.Dump(ctnetlink.Request{}, w.tracked)
	if err != nil && !errors.Is(err, ctnetlink.ErrNoConntrack) {
		return fmt.Errorf("list forwarded connections: %w", err)
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
