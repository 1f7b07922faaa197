package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/internal/survey"
	"ebbgate/observer"
	"ebbgate/policy"
)

// look is a census as the flags ask for it.
type look struct {
	selection survey.Selection
	policy    *policy.Policy // nil: every port is a service
	group     survey.Group
	byState   bool
	narrowed  bool // anything is left out, or grouped in a way of its own
	top       int
	overview  bool
	queues    bool
	idle      time.Duration
	processes bool
}

// shortestWatch is the shortest interval of --watch.
const shortestWatch = 100 * time.Millisecond

// check turns the flags into what to look at, and names every one that makes no sense.
func (o *censusOptions) check(c *cobra.Command) (*look, error) {
	l := &look{top: o.top, queues: o.queues, idle: o.idle, processes: o.processes,
		group: survey.Group{IPv4: 32, IPv6: policy.DefaultIPv6Source}}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	err := refuseEmpty(c.Flags())
	errs = append(errs, err)
	if l.selection, err = o.selection.parse(); err != nil {
		errs = append(errs, err)
	}
	l.byState = l.selection.States != 0
	if o.top < 0 || o.top > survey.MaxTop {
		bad("--top %d: must be 0 to %d", o.top, survey.MaxTop)
	}
	if c.Flags().Changed("idle") {
		if o.idle < time.Second {
			bad("--idle %s: must be 1s or more", o.idle)
		}
		if l.byState {
			bad("--idle looks at established connections: it does not go with --state")
		}
	}
	if c.Flags().Changed("watch") && o.watch < shortestWatch {
		bad("--watch %s: must be %s or more", o.watch, shortestWatch)
	}
	if o.config != "" {
		if l.policy, _, err = daemon.ReadPolicy(o.config); err != nil {
			errs = append(errs, err)
		} else {
			l.group.IPv6 = l.policy.Observe.IPv6Source
		}
	}
	if o.group != "" {
		if l.group, err = survey.ParseGroup(o.group, l.group); err != nil {
			bad("--group %w", err)
		}
	}
	l.narrowed = o.group != "" || l.byState || len(l.selection.Ports) > 0 || len(l.selection.Sources) > 0
	l.overview = !l.queues && l.idle == 0
	return l, errors.Join(errs...)
}

// takeCensus looks once. The thread is kept for its CPU clock.
func takeCensus(ctx context.Context, l *look) (*counted, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadCPU()
	s, err := survey.Open(ctx, l.selection, l.policy)
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	defer s.Close()
	out := &counted{Time: control.TimeOf(time.Now()), root: os.Geteuid() == 0}
	if err := l.fill(ctx, s, out); err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	out.Complete = s.Complete()
	out.CPU = control.Duration(threadCPU() - began)
	return out, nil
}

// parts are what a look consists of; nil is what was not asked for.
type parts struct {
	overview  *survey.Overview
	leaks     *survey.Leaks
	listeners *survey.Listeners
	queues    *survey.Queues
	idle      *survey.Idle
}

// fill takes the parts that are asked for, and looks up all their processes at once.
func (l *look) fill(ctx context.Context, s *survey.Survey, out *counted) error {
	var p parts
	lookUp, err := l.take(ctx, s, &p)
	if err != nil {
		return err
	}
	if out.Hidden, err = survey.LookUp(ctx, lookUp...); err != nil {
		return err
	}
	out.byState = l.byState
	out.addQueues(p.queues)
	out.addIdle(p.idle, l.idle)
	if !l.overview {
		return nil
	}
	out.addOverview(p.overview, p.listeners, l)
	out.addLeaks(p.leaks, l.top)
	if err := out.addForwarded(ctx, l); err != nil {
		out.Notes = append(out.Notes, err.Error())
	}
	return nil
}

// take fills p and returns those parts that want to know their processes.
func (l *look) take(ctx context.Context, s *survey.Survey, p *parts) (lookUp []survey.Held, err error) {
	if l.overview {
		if p.overview, p.leaks, err = l.takeOverview(ctx, s); err != nil {
			return nil, err
		}
		if p.leaks != nil {
			lookUp = append(lookUp, p.leaks)
		}
		if l.processes {
			p.listeners = s.Listeners()
			lookUp = append(lookUp, p.listeners)
		}
	}
	if l.queues {
		if p.queues, err = s.Queues(ctx, l.top); err != nil {
			return nil, err
		}
		lookUp = append(lookUp, p.queues)
	}
	if l.idle > 0 {
		if p.idle, err = s.Idle(ctx, l.idle, l.top); err != nil {
			return nil, err
		}
		lookUp = append(lookUp, p.idle)
	}
	return lookUp, nil
}

// takeOverview counts, and looks for leaks where there is anything in CLOSE_WAIT: a second walk
// that a host without pays nothing for.
func (l *look) takeOverview(ctx context.Context, s *survey.Survey) (*survey.Overview, *survey.Leaks, error) {
	own, err := observer.HostAddresses()
	if err != nil {
		return nil, nil, err
	}
	how := survey.Counting{Group: l.group, Own: own, Top: l.top}
	if l.policy != nil {
		how.Whole = l.policy.Exempt.Prefixes
	}
	overview, err := s.Overview(ctx, how)
	if err != nil {
		return nil, nil, err
	}
	if !overview.CloseWait() {
		return overview, nil, nil
	}
	leaks, err := s.CloseWait(ctx, survey.LeakAge)
	return overview, leaks, err
}
