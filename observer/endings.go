package observer

import (
	"fmt"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// armPause is the time between two attempts to start a reader that could not be, or has ended.
const armPause = time.Second

// endings is the loop's side of watching connections end. It belongs to the goroutine that calls
// Tick; what reads and counts is an endingReader.
type endings struct {
	reader *endingReader // nil: not armed, or it could not be
	scene  *scene        // the reader has been given
	fault  error         // why there is no reader although there should be
	retry  policy.Instant
}

// Arm begins to watch connections end, or stops; Tick then reports about once a second how many
// did, by service and source. It belongs to Tick's goroutine and is to be called at every turn: it
// costs nothing if nothing changes, and starts anew, once a second at most, what has failed. Tick
// names the failure meanwhile. The netlink sockets are those of the calling thread's network
// namespace, and closed when it is disarmed.
//
// What counts is a connection the census would count, once the kernel has destroyed its socket,
// which is later than its end if the process keeps it; see inetdiag.Subscription. Connections that
// ended before a Tick saw their listener do not count, nor does what its own process aborted at a
// wildcard listener of a service with addresses of its own: the kernel no longer says to which of
// them it was. Everything the host itself closes is among the endings, be it by a restart of the
// service or by SOCK_DESTROY.
//
// Sources are grouped, and bounded by observe.max_sources, as in a census; twice that many are told
// apart while counting. Reading takes at most observe.cpu_budget of the CPU; for the rest of a
// second in which that is used up, nothing is listened to, and Endings.Paused says for how long.
// What the receive buffer of 16 MiB (13,000 endings) had no room for is in Endings.Lost, sockets
// of other kinds included.
func (o *Observer) Arm(endings bool) {
	t := o.target.Load()
	if !endings || !t.locally {
		if err := o.endings.disarm(); err != nil {
			o.log.Warn("stop watching ended connections", "cause", err)
		}
		return
	}
	o.endings.arm(boottime.Now(), t, &o.tick, &o.proven)
}

// arm starts a reader unless there is one that runs.
func (e *endings) arm(now policy.Instant, t *target, tick *ticker, p *proven) {
	if e.reader != nil {
		err := e.reader.dead()
		if err == nil {
			return
		}
		// Its descriptors are all there is to give back; the cause is the error that matters.
		_ = e.reader.close()
		e.reader, e.fault, e.retry = nil, err, now.Add(armPause)
	}
	if now < e.retry {
		return
	}
	e.scene = newScene(t, tick.scratch)
	e.reader, e.fault = startEndingReader(e.scene, p)
	if e.fault != nil {
		e.reader, e.retry = nil, now.Add(armPause)
	}
}

// disarm ends the reader, if there is one.
func (e *endings) disarm() error {
	r := e.reader
	*e = endings{}
	if r == nil {
		return nil
	}
	return r.stop()
}

// observe shows the reader what a tick has seen and takes what it has counted.
func (e *endings) observe(obs *policy.Observation, t *target, tick *ticker) {
	err := e.fault
	if r := e.reader; r != nil {
		if tick.listed && !e.scene.shows(t, tick.scratch) {
			e.scene = newScene(t, tick.scratch)
			r.scene.Store(e.scene)
		}
		// A span of the policy before a reload tells of services that may be gone.
		if s := r.ready.Swap(nil); s != nil && s.target == t {
			obs.Endings = s.endings
		}
		err = r.dead()
	}
	if err != nil {
		obs.Faults = append(obs.Faults, policy.Fault{Part: "endings", Text: fmt.Sprintf("watch ended connections: %v", err)})
	}
}
