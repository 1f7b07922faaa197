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
	// suggestCensuses is how many censuses should fit into the time.
	suggestCensuses = 10
)

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
	collector := suggest.New(suggest.Options{Policy: p})
	if err := watchNormal(ctx, stderr, length, p, collector); err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	holders, hidden, err := holdersOf(ctx, p)
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	out := collector.Propose(holders)
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
func watchNormal(ctx context.Context, stderr io.Writer, length time.Duration, p *policy.Policy, c *suggest.Collector) error {
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
	pause := min(suggestPause, max(suggestRush, length/suggestCensuses))
	tick := time.NewTicker(min(suggestTick, pause))
	defer tick.Stop()
	over := time.NewTimer(length)
	defer over.Stop()
	began := boottime.Now()
	counter := paced{budget: observer.NewBudget(p.Observe.CPUBudget), pause: pause}
	for {
		census, fault := counter.census(ctx, o)
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
	budget *observer.Budget
	pause  time.Duration
	next   policy.Instant
}

// census takes one if it is due. It returns why there is none, or why it is not whole.
func (p *paced) census(ctx context.Context, o *observer.Observer) (policy.Census, *policy.Fault) {
	now := boottime.Now()
	if now < p.next || !p.budget.Allow(now, policy.Suspicious) {
		return policy.Census{}, nil
	}
	p.next = now.Add(p.pause)
	census, err := o.Census(ctx)
	p.budget.Spend(boottime.Now(), census.CPU)
	if err == nil || errors.Is(err, context.Canceled) {
		return census, nil
	}
	return census, &policy.Fault{Part: "census", Text: err.Error()}
}
