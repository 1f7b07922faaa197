package demo

import (
	"context"
	"errors"
	"io"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

const (
	calmTime  = 3 * time.Second
	bareTime  = 8 * time.Second  // of the attack that nothing answers
	healTime  = 5 * time.Second  // the longest to wait for the clients after it
	floodTime = 20 * time.Second // of the attack that ebbgate answers
	cleanTime = 30 * time.Second // the longest to wait until nothing is left of it
	meterTime = time.Minute      // longer, where ebbgate goes on counting SYNs
	drainTime = 3 * time.Second  // until half-open connections are given up
	afterTime = 2 * time.Second

	requestRate = 50
	settle      = time.Second // all requests that start within it must succeed: "served again"
)

// Options say what is played and how it is shown.
type Options struct {
	Attack  string    // one of Kinds; empty: DefaultKind
	Program string    // the ebbgate binary to run as the daemon
	Out     io.Writer // where the timeline goes; nil: nowhere
	Live    bool      // Out is a terminal: bars of block characters
	Color   bool
	Stay    bool // ebbgate is there from the start, and the attack goes on until ctx is cancelled
}

// play is everything on the stage.
type play struct {
	Options
	kind    kind
	lab     *lab.Lab
	stage   *stage
	server  *lab.Server
	clients *lab.Clients
	table   *lab.TableWatch
	daemon  *daemonProcess
	floods  []flood

	line    *timeline
	result  Result
	started time.Time
	told    control.Service // what the daemon told at the last look
	served  uint64          // as of the last sample
	loaded  uint64          // likewise, of a load that is a counter
	cookies uint64          // sent before the onset
	first   bool            // the first rule was announced
	again   bool            // the recovery was announced
	left    remains         // of the attack, as announced
	shown   time.Time       // the last sample on the timeline
}

// Run plays and returns what was measured. It takes about a minute; when ctx is cancelled it
// ends early, cleans up all the same, and returns ctx's error.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	k, err := findKind(o.Attack)
	if err != nil {
		return nil, err
	}
	k.policy.stay = o.Stay
	stage, err := newStage(k.policy)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.remove()) }()
	l, err := lab.New()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if o.Out == nil {
		o.Out = io.Discard
	}
	p := &play{Options: o, kind: k, lab: l, stage: stage, daemon: &daemonProcess{}}
	if err := p.setUp(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.daemon.stop()) }()
	if err := p.acts(ctx); err != nil {
		return nil, err
	}
	return &p.result, nil
}

// setUp brings server and clients onto the stage, and the eye that watches for our table.
func (p *play) setUp(ctx context.Context) (err error) {
	p.result.kind = p.kind
	if err := p.kind.prepare(p.lab.Victim); err != nil {
		return err
	}
	if p.server, err = lab.StartServer(ctx, p.lab.Victim, p.kind.application()); err != nil {
		return err
	}
	if p.clients, err = lab.StartClients(ctx, p.lab.Clients, lab.ClientsConfig{
		Target: target4(), Sources: lab.ClientRange().IPv4(20), Rate: requestRate}); err != nil {
		return err
	}
	p.table, err = lab.WatchTable(ctx, p.lab.Victim, "ebbgate", 5*time.Millisecond)
	return err
}

// acts are the play: the attack with nothing against it, then the same attack with ebbgate, and the
// time until nothing is left of either.
func (p *play) acts(ctx context.Context) error {
	p.started = time.Now()
	p.line = newTimeline(p.Options, p.kind, p.started)
	p.line.header()
	acts := []func(context.Context) error{p.calm, p.bare, p.protect, p.calm, p.answered, p.clear, p.measure}
	if p.Stay {
		acts = []func(context.Context) error{p.calm, p.protect, p.calm, p.stay}
	}
	for _, act := range acts {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) calm(ctx context.Context) error { return p.watch(ctx, calmTime, nil) }

// bare is the attack with nothing against it, and the time until the clients are served again.
func (p *play) bare(ctx context.Context) error {
	p.line.say(p.kind.begins)
	onset := time.Now()
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, bareTime, nil); err != nil {
		return err
	}
	p.result.Bare = p.clients.Span(onset, time.Now().Add(-settle))
	p.end()
	ended := time.Now()
	return p.watch(ctx, healTime, func() bool {
		_, ok := p.clients.Recovered(ended, settle)
		return ok && (!p.kind.metered || time.Since(ended) > drainTime)
	})
}

// protect brings ebbgate onto the stage.
func (p *play) protect(ctx context.Context) error {
	d, err := startDaemon(ctx, p.lab.Victim, p.Program, p.stage)
	if err != nil {
		return err
	}
	p.daemon = d
	p.line.say("ebbgate starts")
	return nil
}

// answered is the attack with ebbgate against it.
func (p *play) answered(ctx context.Context) error {
	p.line.say(p.kind.again)
	cookies, err := p.cookiesSent()
	if err != nil {
		return err
	}
	p.cookies, p.result.onset = cookies, time.Now()
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, floodTime, nil); err != nil {
		return err
	}
	if err := p.count(); err != nil {
		return err
	}
	p.result.floodEnd = time.Now()
	p.end()
	return nil
}

// clear is the time until nothing is left of the attack, and a little longer.
func (p *play) clear(ctx context.Context) error {
	longest := cleanTime
	if p.kind.metered {
		longest += meterTime
	}
	if err := p.watch(ctx, longest, p.clean); err != nil {
		return err
	}
	return p.watch(ctx, afterTime, nil)
}

// begin lets the attackers loose.
func (p *play) begin(ctx context.Context) error {
	var err error
	p.floods, err = p.kind.begin(ctx, ground{p.lab.Attackers, p.server})
	return err
}

func (p *play) end() {
	p.line.say(p.kind.ends)
	for _, f := range p.floods {
		_ = f.Stop() // it ends with the laboratory at the latest
	}
	p.floods = nil
}
