package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	settle      = time.Second // all requests that start within it must succeed: "served again"
	sampleEvery = 250 * time.Millisecond
	afterTime   = 3 * time.Second // watched after the attack at least
)

// play is one cell being measured.
type play struct {
	stage  *stage
	cell   cell
	o      *Options
	onset  time.Time
	ended  time.Time
	result Result
}

// measure plays one cell.
func measure(ctx context.Context, o *Options, c cell) (result Result, err error) {
	s, err := newStage(ctx, o, c)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p := &play{stage: s, cell: c, o: o, result: Result{Kind: c.scene.Name(), Defence: c.defence.Name, Rounds: 1}}
	for _, act := range []func(context.Context) error{p.calm, p.attack, p.clear, p.count} {
		if err := act(ctx); err != nil {
			return Result{}, err
		}
	}
	return p.result, nil
}

// calm is the time in which nobody attacks.
func (p *play) calm(ctx context.Context) error {
	began := time.Now()
	if err := p.watch(ctx, p.o.Calm, func() (bool, error) { return false, nil }); err != nil {
		return err
	}
	p.result.Calm = requestsOf(p.stage.clients.Span(began, time.Now().Add(-settle)))
	return nil
}

// attack is the time of the attack.
func (p *play) attack(ctx context.Context) error {
	before, err := p.stage.readCPU()
	if err != nil {
		return err
	}
	p.onset = time.Now()
	a, err := p.cell.scene.Begin(ctx, p.stage.lab.Attackers, p.stage.server)
	if err != nil {
		return err
	}
	err = p.watch(ctx, p.o.Attack, func() (bool, error) { return false, p.sample(ctx) })
	if err == nil {
		var after cpuTimes
		after, err = p.stage.readCPU()
		took := time.Since(p.onset)
		p.result.CPU, p.result.Sent = cpuOf(after.since(before), took), float64(a.Sent())/took.Seconds()
	}
	p.ended = time.Now()
	return errors.Join(err, a.Stop())
}

// sample looks at what the attack does at the moment.
func (p *play) sample(ctx context.Context) error {
	r := &p.result
	tracked, err := p.stage.eye.tracked()
	if err != nil {
		return err
	}
	held, _, err := p.stage.eye.sockets()
	if err != nil {
		return err
	}
	r.TrackedPeak, r.HeldPeak, r.HeldEnd = max(r.TrackedPeak, tracked), max(r.HeldPeak, held), held
	if p.stage.daemon == nil {
		return nil
	}
	told := p.stage.daemon.Service(ctx)
	for _, a := range told.Attacks {
		if kind := string(a.Kind); !slices.Contains(r.Told, kind) {
			r.Told = append(r.Told, kind)
		}
	}
	r.Blocks = max(r.Blocks, told.BlocksBegun)
	return nil
}

// clear is the time until nothing is left of the attack.
func (p *play) clear(ctx context.Context) error {
	p.result.Clean = Never
	err := p.watch(ctx, p.o.Patience, func() (bool, error) {
		l, err := p.stage.eye.look()
		l.waiting, l.table = p.stage.server.state().Waiting, p.stage.table.Present()
		now := time.Now()
		switch {
		case err != nil:
			return false, err
		case !l.clean():
			p.result.Clean, p.result.Left = Never, l.String()
		case p.result.Clean == Never:
			p.result.Clean, p.result.Left = now.Sub(p.ended), ""
		}
		return p.result.Clean != Never && now.Sub(p.ended) >= afterTime, nil
	})
	return err
}

// watch waits for a time, or until done says so, and calls it in between.
func (p *play) watch(ctx context.Context, length time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	end := time.NewTimer(length)
	defer end.Stop()
	var ended <-chan struct{} // never, where there is no daemon
	if p.stage.daemon != nil {
		ended = p.stage.daemon.Done()
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.Join(ctx.Err(), fmt.Errorf("the daemon ended in the middle of it\n%s", p.stage.daemon.Log()))
		case <-end.C:
			return nil
		case <-ticker.C:
			if over, err := done(); over || err != nil {
				return err
			}
		}
	}
}

// count fills in what can be said only at the end.
func (p *play) count(context.Context) error {
	r, clients := &p.result, p.stage.clients
	r.FirstRule = Never
	for _, span := range p.stage.table.Presences() {
		if span.Seen.Before(p.ended) && (span.Gone.IsZero() || span.Gone.After(p.onset)) {
			r.FirstRule = max(0, span.Seen.Sub(p.onset))
			break
		}
	}
	from, until := p.onset, p.ended
	r.During = requestsOf(clients.Span(from, until))
	if !p.cell.scene.Attacked() {
		from, until = p.ended, time.Now().Add(-settle)
	}
	served, ok := p.recovery(from, until)
	if r.Recovery = Never; !ok {
		return nil
	}
	r.Recovery = served.Sub(from)
	r.After = requestsOf(clients.Span(served, until))
	return nil
}

// recovery returns when clients were served again after a failure between two moments: at the first of
// them, if none failed, and false if they were not before the second.
func (p *play) recovery(from, until time.Time) (time.Time, bool) {
	failed, ok := p.stage.clients.FirstFailure(from)
	if !ok || !failed.Before(until) {
		return from, true
	}
	served, ok := p.stage.clients.ServedFrom(failed, settle)
	return served, ok && served.Before(until)
}
