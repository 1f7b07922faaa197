package observer

import (
	"context"
	"errors"
	"fmt"

	"ebbgate/internal/ctnetlink"
)

// errNoConntrack says why forwarded connections count as none.
var errNoConntrack = errors.New(`connections this host passes on cannot be watched without conntrack: load nf_conntrack_netlink, or set traffic = "local" for the service`)

// forwarding reads the connections which the host passes on. They have no socket here, so that
// conntrack is asked, and only where a rule makes it look at packets does it know any.
type forwarding struct {
	conn *ctnetlink.Conn
	err  error // why there is no conn
}

// open never fails: a kernel without conntrack matters only to who wants to watch forwarded
// connections.
func (f *forwarding) open() { f.conn, f.err = ctnetlink.Open() }

func (f *forwarding) close() error {
	if f.conn == nil {
		return nil
	}
	return f.conn.Close()
}

// dump calls each for every tracked connection. It takes the whole table rather than have the
// kernel select: selecting halves the CPU where most of a table is not ours, but the kernel keeps
// its processor from taking in packets until a read is full (ctnetlink_dump_table in
// net/netfilter/nf_conntrack_netlink.c), half a microsecond for each entry passed over.
func (f *forwarding) dump(ctx context.Context, each func(*ctnetlink.Entry)) error {
	if f.conn == nil {
		return f.err
	}
	return f.conn.Dump(ctnetlink.Request{Stop: func() bool { return ctx.Err() != nil }}, each)
}

// countOnward counts the connections the host passes on, if a service watches those. unseen is why
// they are not all; blind is why there are none to count, which is no reason to call the census
// incomplete: who is limited for connections to the host's listeners is not to stay so for that.
func (c *censor) countOnward(ctx context.Context, t *target) (unseen, blind error) {
	c.onward = t.onward
	if c.onward == nil {
		return nil, nil
	}
	err := c.forwarded.dump(ctx, c.countForwarded)
	if errors.Is(err, ctnetlink.ErrNoConntrack) {
		return nil, fmt.Errorf("%w (%w)", errNoConntrack, err)
	}
	return err, nil
}

// countForwarded takes one entry of the conntrack table.
//
// It counts for the service that the client connected to, whatever address and port NAT has put in
// their place. What the host opened itself does not count (P7), nor what ends here, since it has a
// socket and is counted by that. Zones other than the default one are left out: who uses them (Open
// vSwitch, for one) has a connection tracked in several.
func (c *censor) countForwarded(e *ctnetlink.Entry) {
	c.sockets++
	held, counts := e.Stage()
	if !counts || e.Zone != 0 {
		return
	}
	to := addressFrom16(&e.Original.Destination)
	service := c.onward.find(c.grouping, to, e.Original.DestinationPort)
	if service == noService {
		return
	}
	from := addressFrom16(&e.Original.Source)
	if c.grouping.ours(from) || c.grouping.ours(addressFrom16(&e.Reply.Source)) {
		return
	}
	c.enter(service, from, held)
}
