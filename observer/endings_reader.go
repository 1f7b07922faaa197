package observer

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

const (
	// endingSpan is how long endings are counted before they are handed over.
	endingSpan = time.Second
	// gatherTime is how long endings may wait to be read together, which saves a wake-up for each.
	gatherTime = 10 * time.Millisecond
	// handoverWait is the time between two looks whether the last span was taken.
	handoverWait = 100 * time.Millisecond
	// readBatch is how many notifications are read between two looks at the clock.
	readBatch = 64
)

// span is the count of one span and the target it was counted for.
type span struct {
	target  *target
	endings policy.Endings
}

// endingReader counts ended connections in a goroutine of its own, from start to stop. The loop's
// goroutine hands it scenes and takes its spans; each waits in a place for one, so that neither
// side ever waits for the other. A span that is not taken grows on in the next.
type endingReader struct {
	sub       *inetdiag.Subscription
	addresses hostAddresses
	proven    *proven

	scene    atomic.Pointer[scene] // the newest; never nil
	ready    atomic.Pointer[span]  // ended, and not taken yet
	stopping atomic.Bool
	done     chan struct{} // closed by the goroutine when it ends
	err      error         // why it ended by itself; to be read once done is closed

	// The rest belongs to the goroutine.
	shown  *scene // the doors are built for
	flaw   error  // met while reading
	own    []netip.Addr
	count  endingCount
	share  share
	from   policy.Instant // of the present span
	now    policy.Instant // of the present turn
	lost   uint64         // before the present span
	paused time.Duration  // of the present span
	muted  policy.Instant // since when it does not listen; 0: it does
}

// startEndingReader opens what the reader needs, in the calling thread's network namespace, and
// starts it.
func startEndingReader(first *scene, p *proven) (*endingReader, error) {
	r := &endingReader{proven: p, done: make(chan struct{})}
	r.scene.Store(first)
	var err error
	if r.sub, err = inetdiag.Subscribe(); err != nil {
		return nil, err
	}
	if err := r.addresses.open(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	go r.run()
	return r, nil
}

// dead returns why the reader ended by itself, or nil while it runs.
func (r *endingReader) dead() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// stop ends the reader, waits for it and gives back what it has open.
func (r *endingReader) stop() error {
	r.stopping.Store(true)
	err := r.sub.Wake()
	if err == nil {
		<-r.done
	}
	return errors.Join(err, r.close())
}

func (r *endingReader) close() error {
	r.addresses.close()
	return r.sub.Close()
}

// run is the goroutine. It keeps its thread, whose CPU clock it reads.
func (r *endingReader) run() {
	defer close(r.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r.share = newShare(0, boottime.Now(), threadCPU())
	for r.err == nil && !r.stopping.Load() {
		r.now = boottime.Now()
		r.err = r.turn()
	}
}

// turn reads one batch, or waits until there is something to do.
func (r *endingReader) turn() error {
	if err := r.follow(); err != nil {
		return err
	}
	if r.now >= r.from.Add(endingSpan) && r.ready.Load() == nil {
		if err := r.handOver(); err != nil {
			return err
		}
	}
	if !r.share.left(r.now, threadCPU()) {
		return r.pause()
	}
	if err := r.listen(); err != nil {
		return err
	}
	more, err := r.sub.Read(readBatch, r.heard)
	if err = errors.Join(err, r.flaw); err != nil || more {
		return err
	}
	if err := r.sub.Wait(r.due()); err != nil || r.stopping.Load() {
		return err
	}
	return r.sub.Sleep(gatherTime)
}

// due is how long the reader may wait for endings before a span is to be handed over.
func (r *endingReader) due() time.Duration {
	if d := r.from.Add(endingSpan).Sub(r.now); d > 0 {
		return d
	}
	return handoverWait
}

// heard takes one ended connection. It looks for a new scene each time, so that whatever ends after
// a Tick is sorted by what that Tick has seen.
func (r *endingReader) heard(s *inetdiag.Socket) {
	if r.flaw == nil {
		r.flaw = r.follow()
	}
	if r.flaw == nil && r.count.add(s) {
		remote := addressFrom16(&s.RemoteAddr)
		group, bits := r.count.grouping.group(remote)
		r.proven.add(group, int(bits), r.now)
	}
}

// follow changes to the newest scene. If its policy is another too, what was counted of the span by
// the old one is given up.
func (r *endingReader) follow() error {
	old, s := r.shown, r.scene.Load()
	if s == old {
		return nil
	}
	r.shown = s
	r.count.doors.build(s.listeners, s.target.services)
	if old != nil && old.target == s.target {
		return nil
	}
	r.share.perMille = s.target.cpuBudget
	r.count.grouping = nil
	lost, err := r.sub.Lost()
	if err != nil {
		return err
	}
	return r.begin(lost)
}

// begin starts a span. The host's addresses are asked for once in each.
func (r *endingReader) begin(lost uint64) error {
	own, err := r.addresses.list()
	if err != nil {
		return err
	}
	g := r.count.grouping
	if g == nil || !slices.Equal(own, r.own) {
		g, r.own = newGrouping(r.shown.target, own), own
	}
	r.count.begin(r.shown, g)
	r.from, r.lost, r.paused = r.now, lost, 0
	if r.muted != 0 {
		r.muted = r.now
	}
	return nil
}

// handOver ends the span and begins the next.
func (r *endingReader) handOver() error {
	lost, err := r.sub.Lost()
	if err != nil {
		return err
	}
	if r.muted != 0 {
		r.paused += r.now.Sub(r.muted)
	}
	r.ready.Store(&span{r.shown.target, policy.Endings{
		Taken:    true,
		From:     r.from,
		Span:     r.now.Sub(r.from),
		Lost:     lost - r.lost,
		Paused:   r.paused,
		Services: r.count.services(r.shown),
	}})
	return r.begin(lost)
}

// pause stops listening until the next second, or until a span is to be handed over. The kernel
// does not even make notifications meanwhile: its work for them is the larger part.
func (r *endingReader) pause() error {
	if r.muted == 0 {
		if err := r.sub.Listen(false); err != nil {
			return err
		}
		r.muted = r.now
	}
	return r.sub.Sleep(min(max(r.share.next().Sub(r.now), time.Millisecond), r.due()))
}

// listen goes on after a pause, or begins.
func (r *endingReader) listen() error {
	if r.muted != 0 {
		r.paused += r.now.Sub(r.muted)
		r.muted = 0
	}
	if err := r.sub.Listen(true); err != nil {
		return fmt.Errorf("go on: %w", err)
	}
	return nil
}
