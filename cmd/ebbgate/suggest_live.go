package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/suggest"
	"ebbgate/observer"
	"ebbgate/policy"
)

const (
	// suggestTick is the time between two readings of counters and of ended connections, which are
	// told about once a second.
	suggestTick = 500 * time.Millisecond
	// suggestPause is the time between two censuses, where the CPU budget allows it.
	suggestPause = 2 * time.Second
	// suggestRush is the least time between them, when there is not much time.
	suggestRush = 200 * time.Millisecond
	// suggestSpans is how many spans should fit into the time, and spanCensuses how many censuses into
	// a span: more than it needs, as a census may come late.
	suggestSpans = 4
	spanCensuses = 4
)

// spanOf is how long connections must be held in so much time to be sustained.
func spanOf(length time.Duration) time.Duration { return min(suggest.DefaultSpan, length/suggestSpans) }

// pauseOf is the time between two censuses in so much time.
func pauseOf(length time.Duration) time.Duration {
	return min(suggestPause, max(suggestRush, spanOf(length)/spanCensuses))
}

// suggestLive watches the host. Sockets are those of the calling thread's network namespace.
func suggestLive(ctx context.Context, stderr io.Writer, length time.Duration, p *policy.Policy) (*suggest.Proposal, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var found *discovery
	if p == nil {
		var err error
		if found, err = discover(ctx); err != nil {
			return nil, exitWith(exitRuntime, err)
		}
		p = found.policy
	}
	collector := suggest.New(suggest.Options{Policy: p, Span: spanOf(length)})
	pace := &paced{budget: observer.NewBudget(p.Observe.CPUBudget), pause: pauseOf(length)}
	if err := watchNormal(ctx, stderr, length, p, collector, pace); err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	holders, hidden, err := holdersOf(ctx, p)
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	out := collector.Propose(holders)
	if text := pace.short(); text != "" {
		out.Note(text)
	}
	// Processes we may not look into matter only if they may be what listens.
	if hidden > 0 && len(holders) < len(p.Services) {
		out.Note(fmt.Sprintf("%d %s could not be looked into, so not all programs that listen are known: run as root, with CAP_SYS_PTRACE.",
			hidden, plural(hidden, "process", "processes")))
	}
	if found != nil && found.left > 0 {
		out.Note(fmt.Sprintf("%d listening %s left out: more services, or ports of one, than a policy may have.",
			found.left, plural(found.left, "port is", "ports are")))
	}
	return out, nil
}

// watchNormal feeds the collector until the time is over or the command is interrupted.
func watchNormal(ctx context.Context, stderr io.Writer, length time.Duration, p *policy.Policy, c *suggest.Collector, pace *paced) error {
	o, err := observer.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer o.Close()
	o.SetPolicy(p)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	show := newProgress(stderr)
	defer show.end()
	tick := time.NewTicker(min(suggestTick, pace.pause))
	defer tick.Stop()
	over := time.NewTimer(length)
	defer over.Stop()
	began := boottime.Now()
	for {
		census, fault := pace.census(ctx, o)
		obs := o.Tick()
		obs.Census = census
		if fault != nil {
			obs.Faults = append(obs.Faults, *fault)
		}
		c.Add(&obs)
		o.Arm(true)
		show.show(obs.At.Sub(began), length, c)
		select {
		case <-ctx.Done():
			return nil
		case <-over.C:
			return nil
		case <-tick.C:
		}
	}
}

// paced takes censuses at a modest pace and within the CPU budget.
type paced struct {
	budget  *observer.Budget
	pause   time.Duration
	next    policy.Instant
	due     int  // censuses that should have begun
	taken   int  // that did
	late    bool // one that is due has not begun
	refused bool // the budget kept one waiting
}

// census takes one if it is due. It returns why there is none, or why it is not whole.
func (p *paced) census(ctx context.Context, o *observer.Observer) (policy.Census, *policy.Fault) {
	if !p.begin(boottime.Now()) {
		return policy.Census{}, nil
	}
	census, err := o.Census(ctx)
	p.budget.Spend(boottime.Now(), census.CPU)
	if err == nil || errors.Is(err, context.Canceled) {
		return census, nil
	}
	return census, &policy.Fault{Part: "census", Text: err.Error()}
}

// begin reports whether a census begins now. Those that are due keep to a grid, so that one which begins
// a little late, as they all do between two ticks, does not make the others later.
func (p *paced) begin(now policy.Instant) bool {
	if p.next == 0 {
		p.next = now
	}
	if now >= p.next {
		n := int(now.Sub(p.next)/p.pause) + 1
		p.due, p.next, p.late = p.due+n, p.next.Add(time.Duration(n)*p.pause), true
	}
	if !p.late {
		return false
	}
	if !p.budget.Allow(now, policy.Suspicious) {
		p.refused = true
		return false
	}
	p.late = false
	p.taken++
	return true
}

// short says that there were far fewer censuses than there should have been, for want of budget.
func (p *paced) short() string {
	if !p.refused || 2*p.taken >= p.due {
		return ""
	}
	return fmt.Sprintf("Only %d of %d censuses were taken: one costs so much that the CPU budget (observe.cpu_budget) allows no more. Watch for longer.",
		p.taken, p.due)
}
