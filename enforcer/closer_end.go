package enforcer

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// ending ends connections in batches and notes what came of them.
type ending struct {
	closer  *Closer
	bits    int // of a plain IPv6 source
	out     *Closed
	sources map[endedSource]int

	socks   []inetdiag.Named
	ends    []netip.AddrPort // of clients, for the rules
	entries []ctnetlink.Entry
	of      [2][]*candidate // whose those are

	// A kernel that cannot destroy sockets, or refuses it, is asked once a run.
	mute  bool
	unfed bool    // likewise of prods
	kept  bool    // and where the rules do not take more marks, forwarded connections are kept
	errs  []error // the first refusal of each kind
}

type endedSource struct {
	service string
	source  netip.Prefix
}

// end closes connections in their order until the time is up, which it asks for between two batches.
// ipv6Bits is the length of a plain IPv6 source.
func (c *Closer) end(victims []*candidate, ipv6Bits int, out *Closed) error {
	e := ending{closer: c, bits: ipv6Bits, out: out, sources: make(map[endedSource]int)}
	limit := c.now().Add(closeBudget)
	for len(victims) > 0 {
		if c.now().After(limit) {
			out.Left += len(victims)
			break
		}
		n := min(c.batch, len(victims))
		e.run(victims[:n])
		victims = victims[n:]
	}
	for k, n := range e.sources {
		out.BySource = append(out.BySource, SourceClosed{k.service, k.source, n})
	}
	out.BySource = heaviest(out.BySource, maxSourcesClosed)
	return errors.Join(e.errs...)
}

// run ends one batch: sockets of this host together, and conntrack's entries together.
func (e *ending) run(batch []*candidate) {
	e.socks, e.entries, e.of[0], e.of[1] = e.socks[:0], e.entries[:0], e.of[0][:0], e.of[1][:0]
	for _, v := range batch {
		if v.flow != nil {
			e.entries, e.of[1] = append(e.entries, v.flow.entry(v.family)), append(e.of[1], v)
		} else if !e.mute {
			e.socks, e.of[0] = append(e.socks, inetdiag.Named{Family: v.family, ID: v.id}), append(e.of[0], v)
		}
	}
	e.settle(e.of[0], inetdiag.ErrGone, func(each func(int, error)) error { return e.closer.conn.DestroyAll(e.socks, each) })
	if !e.marked() {
		return
	}
	e.settle(e.of[1], ctnetlink.ErrGone, func(each func(int, error)) error { return e.closer.tracks.Delete(e.entries, each) })
	for _, v := range e.of[1] {
		if v != nil && !e.unfed {
			e.tell(v)
		}
	}
}

// marked has our rules know which connections conntrack is about to forget, and reports whether there are
// any and all are marked. It comes first: no packet may slip through in between, by which conntrack would
// take a connection up again. Without a mark a connection is left as it is.
func (e *ending) marked() bool {
	if len(e.entries) == 0 {
		return false
	}
	if !e.kept {
		e.ends = e.ends[:0]
		for _, v := range e.of[1] {
			e.ends = append(e.ends, v.flow.original.From())
		}
		err := e.closer.mark(e.ends)
		e.kept = err != nil
		if err != nil && !errors.Is(err, ErrNotAnswered) {
			e.errs = append(e.errs[:min(len(e.errs), maxRefusals)], fmt.Errorf("cut forwarded connections: %w", err))
		}
	}
	if e.kept {
		e.out.Left += len(e.entries)
	}
	return !e.kept
}

// settle has a batch ended and notes the outcome of each. Those that were not ended are nil in the list
// afterwards.
func (e *ending) settle(of []*candidate, gone error, end func(each func(int, error)) error) {
	if len(of) == 0 {
		return
	}
	var refused *candidate
	var why error
	err := end(func(i int, err error) {
		if !errors.Is(err, gone) && refused == nil {
			refused, why = of[i], err
		}
		of[i] = nil
	})
	if err != nil {
		e.errs = append(e.errs[:min(len(e.errs), maxRefusals)], err)
		clear(of)
		return
	}
	if refused != nil {
		e.refuse(refused, why)
	}
	for _, v := range of {
		if v != nil {
			e.out.Counts[v.service.svc.Name]++
			e.sources[endedSource{v.service.svc.Name, policy.Group(v.remote, e.bits)}]++
		}
	}
}

// maxRefusals bounds the errors of one run.
const maxRefusals = 3

// refuse notes a refusal. Where it is one of all sockets, no others are tried in this run.
func (e *ending) refuse(v *candidate, why error) {
	if v.flow == nil && (errors.Is(why, inetdiag.ErrNoDestroy) || errors.Is(why, unix.EPERM)) {
		e.mute = true
		e.errs = append(e.errs, fmt.Errorf("close connections of %q, which are refused but go on: %w", v.service.svc.Name, why))
		return
	}
	if len(e.errs) < maxRefusals {
		e.errs = append(e.errs, fmt.Errorf("close a connection of %s to %q: %w", v.remote, v.service.svc.Name, why))
	}
}

// tell has the server behind a cut connection find out. Where no prods can be sent at all, none is tried
// again in this run; where one fails, because its ports are in use here, the others need not. That a
// client's port is privileged is said once in the Closer's life: most clients have none.
func (e *ending) tell(v *candidate) {
	err := e.closer.prod(v.flow)
	if err == nil {
		return
	}
	if errors.Is(err, unix.EACCES) {
		if e.closer.noLow {
			return
		}
		e.closer.noLow = true
		err = fmt.Errorf("%w: clients' ports below 1024 need CAP_NET_BIND_SERVICE (see systemd/forwarded.conf)", err)
	}
	e.unfed = errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPERM)
	if len(e.errs) < maxRefusals {
		e.errs = append(e.errs, fmt.Errorf("tell the servers behind %q of cut connections, which they hold until they next send something: %w",
			v.service.svc.Name, err))
	}
}
