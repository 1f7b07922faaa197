package observer

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// Observer watches one network namespace. Tick, Arm and Close belong to one goroutine; Census may
// run in another at the same time, and SetPolicy and Proven may be called from any.
type Observer struct {
	log    *slog.Logger
	target atomic.Pointer[target]
	tick   ticker

	counting sync.Mutex // held while a census runs
	census   censor

	endings endings
	proven  proven
}

// Open opens an Observer on the network namespace of the calling thread. Until SetPolicy it
// watches the counters only. It fails if a socket cannot be opened or /proc is not mounted.
//
// Every file and socket it opens here stays in that namespace, whatever thread uses it later. The
// conntrack counters are the exception: they appear when the kernel loads its module, are opened
// by the Tick that finds them, and so are those of that Tick's thread. So are the sockets of Arm.
func Open(log *slog.Logger) (*Observer, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o := &Observer{log: log}
	o.target.Store(&target{})
	o.proven.configure(policy.DefaultIPv6Source, policy.DefaultMaxSources)
	if err := errors.Join(o.tick.open(), o.census.open()); err != nil {
		return nil, errors.Join(fmt.Errorf("open observer: %w", err), o.Close())
	}
	return o, nil
}

// Close gives files and sockets back, after waiting for a running census.
func (o *Observer) Close() error {
	o.counting.Lock()
	defer o.counting.Unlock()
	return errors.Join(o.endings.disarm(), o.tick.close(), o.census.close())
}

// SetPolicy makes p what is watched from the next Tick and the next Census on. p must not be
// changed afterwards. Ports that are too scattered for the kernel's filter are watched all the
// same, at more cost, and a warning says so.
func (o *Observer) SetPolicy(p *policy.Policy) {
	t, err := newTarget(p)
	if err != nil {
		o.log.Warn("the kernel cannot preselect the services' ports: every census walks all connections",
			"cause", err, "ranges_allowed", inetdiag.MaxPortRanges)
	}
	o.target.Store(t)
	o.proven.configure(t.ipv6Source, t.maxSources)
}

// Tick reads the counters and the accept queues. Its cost does not depend on the number of
// connections. Parts that cannot be read are left at their zero, or invalid, and named in Faults.
// Census is left untouched. Endings is set about once a second while Arm watches them.
func (o *Observer) Tick() policy.Observation {
	t := o.target.Load()
	obs := o.tick.observe(t)
	o.endings.observe(&obs, t, &o.tick)
	return obs
}
