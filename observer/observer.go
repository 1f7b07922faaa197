package observer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// Observer watches one network namespace. Tick, Arm and Close belong to one goroutine; Census may
// run in another at the same time, and SetPolicy, SetExempt and Proven may be called from any.
type Observer struct {
	log    *slog.Logger
	target atomic.Pointer[target]
	tick   ticker

	targeting sync.Mutex     // held while target is replaced
	exempt    []netip.Prefix // by the operator

	counting sync.Mutex // held while a census runs
	census   censor

	endings endings
	proven  proven
}

// Option changes what Open does.
type Option func(*options)

type options struct{ root string }

// WithRoot has login sessions, accounts and control groups read below dir instead of "/". What is in
// /proc is not affected.
func WithRoot(dir string) Option { return func(o *options) { o.root = dir } }

// Open opens an Observer on the network namespace of the calling thread. Until SetPolicy it
// watches the counters only. It fails if a socket cannot be opened or /proc is not mounted.
//
// Every file and socket it opens here stays in that namespace, whatever thread uses it later. The
// conntrack counters are the exception: they appear when the kernel loads its module, are opened
// by the Tick that finds them, and so are those of that Tick's thread. So are the sockets of Arm.
func Open(log *slog.Logger, with ...Option) (*Observer, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	how := options{root: "/"}
	for _, w := range with {
		w(&how)
	}
	o := &Observer{log: log}
	o.target.Store(&target{})
	o.proven.configure(policy.DefaultIPv6Source, policy.DefaultMaxSources)
	if err := errors.Join(o.tick.open(how.root), o.census.open()); err != nil {
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
	o.targeting.Lock()
	defer o.targeting.Unlock()
	o.target.Store(t.exempting(o.exempt))
	o.proven.configure(t.ipv6Source, t.maxSources)
}

// SetExempt replaces what the operator exempts beside the policy, from the next Tick and the next
// Census on, and across SetPolicy. IPv6 prefixes longer than a source have their addresses counted
// one by one then, as the policy's exempt prefixes do; others make no difference. prefixes may be
// changed afterwards. Their number is for the caller to bound: each costs 80 bytes while a census runs.
func (o *Observer) SetExempt(prefixes []netip.Prefix) {
	o.targeting.Lock()
	defer o.targeting.Unlock()
	if slices.Equal(prefixes, o.exempt) {
		return
	}
	o.exempt = slices.Clone(prefixes)
	o.target.Store(o.target.Load().exempting(o.exempt))
}

// Tick reads the counters and the accept queues, with the units that hold them, and, at most once a
// second and only where one is sshd's, the login sessions. A unit is found within some ticks after its
// listener was first seen. Apart from the sessions, its cost does not depend on the number of
// connections. Parts that cannot be read are left at their zero, or invalid, and named in Faults.
// Census is left untouched. Endings is set about once a second while Arm watches them.
func (o *Observer) Tick() policy.Observation {
	t := o.target.Load()
	obs := o.tick.observe(t)
	o.endings.observe(&obs, t, &o.tick)
	return obs
}
