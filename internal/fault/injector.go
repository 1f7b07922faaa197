package fault

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Injector makes calls of one program fail. Its methods may be called from any goroutine.
type Injector struct {
	theirs *os.File // the launcher's end of the socket
	done   chan struct{}
	err    error // once done is closed
	target target
	offset atomic.Int64 // of the clock
	active atomic.Int64 // rules in force

	mu    sync.Mutex
	rules []*Fault

	// What follows belongs to the goroutine that answers.
	speaks  map[uint64]Part   // by socket
	refused map[uint64][]byte // an answer not read yet, by socket
	changes sync.WaitGroup    // calls made here
}

func newInjector(theirs *os.File) *Injector {
	return &Injector{theirs: theirs, done: make(chan struct{}), speaks: make(map[uint64]Part), refused: make(map[uint64][]byte)}
}

// Inject puts a rule in force. Of several that are about a call, the first counts.
func (i *Injector) Inject(r Rule) *Fault {
	f := &Fault{rule: r}
	f.end = sync.OnceFunc(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.rules = slices.DeleteFunc(i.rules, func(x *Fault) bool { return x == f })
		i.active.Add(-1)
	})
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = append(i.rules, f)
	i.active.Add(1)
	return f
}

// StepClock puts the program's wall clock (CLOCK_REALTIME) so far ahead of the real one, or behind it. The
// program must have been started without the clock of the vDSO.
func (i *Injector) StepClock(ahead time.Duration) { i.offset.Store(int64(ahead)) }

// Close waits until the program has ended, and says what went wrong beside the faults. A program that was
// never started is none to wait for.
func (i *Injector) Close() error {
	err := i.theirs.Close()
	<-i.done
	return errors.Join(err, i.err)
}

// run answers until nobody is left who could ask.
func (i *Injector) run(fd int) {
	defer close(i.done)
	listener, pid, err := meet(fd)
	if err != nil {
		i.err = err
		return
	}
	defer func() { i.err = errors.Join(i.err, unix.Close(listener)) }()
	i.target.pid = pid
	if i.target.pidfd, i.err = unix.PidfdOpen(pid, 0); i.err != nil {
		return
	}
	defer func() { i.err = errors.Join(i.err, unix.Close(i.target.pidfd)) }()
	defer i.changes.Wait()
	for {
		n, ok := next(listener)
		if !ok {
			return
		}
		i.treat(listener, n)
	}
}

// treat answers one call.
func (i *Injector) treat(listener int, n notice) {
	if r, ok := i.timed(n); ok {
		answer(listener, n.ID, r)
		return
	}
	if i.active.Load() == 0 && len(i.refused) == 0 {
		answer(listener, n.ID, goOn())
		return
	}
	c := i.examine(n)
	f := i.find(c)
	switch {
	case c.kind == Receive && i.refused[c.sock] != nil:
		answer(listener, n.ID, i.deliver(c))
	case f == nil:
		answer(listener, n.ID, goOn())
	case c.kind == Commit:
		i.refused[c.sock] = refusal(c.head, f.rule.Message, f.rule.Errno)
		answer(listener, n.ID, give(int(c.Args[2])))
	case f.rule.Spoil != 0:
		// The call may wait for as long as it likes.
		i.changes.Go(func() {
			answer(listener, n.ID, i.receive(c, f.rule.Spoil))
			c.close()
		})
		return
	default:
		answer(listener, n.ID, fail(f.rule.Errno))
	}
	c.close()
}

// find returns the rule by which a call goes wrong, or nil.
func (i *Injector) find(c *call) *Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, f := range i.rules {
		if f.rule.about(c) && f.strike() {
			return f
		}
	}
	return nil
}
