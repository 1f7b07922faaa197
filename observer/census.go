package observer

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// ErrBusy says that a census is running already; there is one at a time.
var ErrBusy = errors.New("take census: one is running already")

// errManySources is why counts of a census are lower bounds.
var errManySources = errors.New("too many sources to count each: the lighter ones were summed up; raise observe.max_sources if they are real")

// Census counts the connections of each service by source, in one pass over the kernel's table.
// It may run beside Tick, but not twice at a time (ErrBusy). What it cost is in CPU even if it
// failed.
//
// It counts a connection if its local address and port belong to a service and a listener for them
// existed when the census began. Held are those in ESTABLISHED and CLOSE_WAIT, and in FIN_WAIT1
// and FIN_WAIT2 as long as a process holds the socket; what waits in the accept queue is among
// them. TIME_WAIT never counts, and SYN_RECV only as half-open.
//
// Sources are those of policy.Group, except that addresses which a prefix within an IPv6 source
// covers, one that is exempt or has an override for the service, are sources of their own (/128),
// apart from the rest of their group. Connections from the host's own addresses, which come in over lo, count in ServiceCensus.Held and HalfOpen
// but have no source.
//
// Connections the host passes on, for services that watch those (Service.Traffic), are counted from
// the conntrack table: those it calls assured and in ESTABLISHED, FIN_WAIT or CLOSE_WAIT are held,
// those before that half-open, and none is Unread. Sockets counts its entries too. Where there is no conntrack there are
// none, and the error says so although the census is complete.
//
// Each service keeps its observe.max_sources heaviest sources; lighter ones are summed up in Rest,
// so that in a complete census a source that is absent held no more than the lightest present one,
// and nothing if Rest is empty. While counting, (3 + services) times max_sources are told apart;
// beyond that the lighter half is summed up early, the census is not complete, its counts are
// lower bounds and Rest.Sources is an upper one.
//
// The error says why the census is incomplete or, if Taken is false, why there is none. A canceled
// context ends it with what was counted so far.
func (o *Observer) Census(ctx context.Context) (policy.Census, error) {
	if !o.counting.TryLock() {
		return policy.Census{}, ErrBusy
	}
	defer o.counting.Unlock()
	runtime.LockOSThread() // for the thread's CPU clock
	defer runtime.UnlockOSThread()
	from, began := boottime.Now(), threadCPU()
	c, err := o.census.take(ctx, o.target.Load())
	c.From = from
	o.proven.counted(&c, boottime.Now())
	c.CPU = threadCPU() - began
	if err != nil {
		err = fmt.Errorf("take census: %w", err)
	}
	return c, err
}

// heldStates are the states a census asks for.
const heldStates = inetdiag.Holding | 1<<inetdiag.SynRecv

// censor holds what a census reads from and reuses. One census at a time uses it.
type censor struct {
	diag      *inetdiag.Conn
	forwarded forwarding
	addresses hostAddresses
	listeners []listening
	doors     doors
	onward    *onward
	grouping  *grouping
	tally     tally
	batch     batch   // of what is not in the tally yet
	totals    []total // by service
	sockets   int
}

// total counts the connections of one service, whatever their source.
type total struct{ held, halfOpen, unread int }

func (c *censor) open() error {
	var err error
	if c.diag, err = inetdiag.Open(); err != nil {
		return err
	}
	c.forwarded.open()
	return c.addresses.open()
}

func (c *censor) close() error {
	c.addresses.close()
	err := c.forwarded.close()
	if c.diag == nil {
		return err
	}
	return errors.Join(err, c.diag.Close())
}

// take counts for one target.
func (c *censor) take(ctx context.Context, t *target) (policy.Census, error) {
	if t.empty() {
		return policy.Census{Taken: true, Complete: true}, nil
	}
	own, err := c.addresses.list()
	if err != nil {
		return policy.Census{}, err
	}
	var many error
	c.listeners, err = dumpListeners(c.diag, t, c.listeners[:0])
	if errors.Is(err, errManyListeners) {
		many = errManyListeners
	} else if err != nil {
		return policy.Census{}, fmt.Errorf("find listeners: %w", err)
	}
	c.doors.build(c.listeners, t.services)
	c.grouping = newGrouping(t, own)
	c.tally.reset(len(t.services), (3+len(t.services))*t.maxSources)
	c.totals = append(c.totals[:0], make([]total, len(t.services))...)
	c.sockets = 0
	err = c.countLocal(ctx, t)
	unseen, blind := c.countOnward(ctx, t)
	c.batch.settle(&c.tally, c.grouping)
	if c.tally.pruned {
		many = errors.Join(many, errManySources)
	}
	out, err := c.result(t, errors.Join(err, unseen, many))
	return out, errors.Join(err, blind)
}

// countLocal counts the connections to the host's own listeners.
func (c *censor) countLocal(ctx context.Context, t *target) error {
	if !t.locally {
		return nil
	}
	return c.diag.Dump(inetdiag.Request{
		Family: unix.AF_UNSPEC,
		States: heldStates,
		Filter: t.filter,
		Stop:   func() bool { return ctx.Err() != nil },
	}, c.count)
}

// count takes one socket of the dump.
func (c *censor) count(s *inetdiag.Socket) {
	c.sockets++
	held := s.Holds()
	if !held && (s.State != inetdiag.SynRecv || s.Timer == inetdiag.TimerTimeWait) {
		return
	}
	service := c.doors.find(addressFrom16(&s.LocalAddr), s.LocalPort)
	if service == noService {
		return
	}
	if s.State == inetdiag.CloseWait {
		c.totals[service].unread++
	}
	c.enter(service, addressFrom16(&s.RemoteAddr), held)
}

// enter counts one connection of a service, once the batch is settled.
func (c *censor) enter(service int, remote address, held bool) {
	if held {
		c.totals[service].held++
	} else {
		c.totals[service].halfOpen++
	}
	c.batch.add(&c.tally, c.grouping, service, remote, held)
}

// result builds the census, complete unless err says otherwise.
func (c *censor) result(t *target, err error) (policy.Census, error) {
	out := policy.Census{Taken: true, Complete: err == nil, Sockets: c.sockets}
	lists, rests := c.tally.sources(len(t.services), t.maxSources)
	for i := range t.services {
		out.Services = append(out.Services, policy.ServiceCensus{
			Service:  t.services[i].Name,
			Held:     c.totals[i].held,
			HalfOpen: c.totals[i].halfOpen,
			Unread:   c.totals[i].unread,
			Sources:  lists[i],
			Rest:     rests[i],
		})
	}
	return out, err
}
