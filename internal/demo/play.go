package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"ebbgate/internal/lab"
)

const (
	sampleEvery = 500 * time.Millisecond
	calmTime    = 3 * time.Second
	bareTime    = 8 * time.Second  // of the flood that nothing answers
	healTime    = 5 * time.Second  // the longest to wait for the clients after it
	floodTime   = 20 * time.Second // of the flood that ebbgate answers
	cleanTime   = 30 * time.Second // the longest to wait for the table to go
	afterTime   = 2 * time.Second

	requestRate = 50
	settle      = time.Second // all requests that start within it must succeed: "served again"
)

// Options say how the play is shown.
type Options struct {
	Program string    // the ebbgate binary to run as the daemon
	Out     io.Writer // where the timeline goes; nil: nowhere
	Live    bool      // Out is a terminal: bars of block characters
	Color   bool
}

// play is everything on the stage.
type play struct {
	Options
	lab     *lab.Lab
	stage   *stage
	server  *lab.Server
	clients *lab.Clients
	table   *lab.TableWatch
	daemon  *daemonProcess
	floods  []*lab.Hoard

	line    *timeline
	result  Result
	started time.Time
	served  uint64 // as of the last sample
	first   bool   // the first rule was announced
	again   bool   // the recovery was announced
}

// Run plays and returns what was measured. It takes about a minute; when ctx is cancelled it
// ends early, cleans up all the same, and returns ctx's error.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	stage, err := newStage()
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
	p := &play{Options: o, lab: l, stage: stage, daemon: &daemonProcess{}}
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
	v6 := netip.AddrPortFrom(netip.IPv6Unspecified(), servicePort)
	if p.server, err = lab.StartServer(ctx, p.lab.Victim, lab.ServerConfig{Listen: []netip.AddrPort{v6}, Capacity: capacity}); err != nil {
		return err
	}
	if p.clients, err = lab.StartClients(ctx, p.lab.Clients, lab.ClientsConfig{
		Target: netip.AddrPortFrom(lab.VictimV4(), servicePort), Sources: lab.ClientRange().IPv4(20), Rate: requestRate}); err != nil {
		return err
	}
	p.table, err = lab.WatchTable(ctx, p.lab.Victim, "ebbgate", 5*time.Millisecond)
	return err
}

// acts are the play: the flood with nothing against it, then the same flood with ebbgate, and the
// time until nothing is left of either.
func (p *play) acts(ctx context.Context) error {
	p.started = time.Now()
	p.line = newTimeline(p.Options, p.started)
	p.line.header()
	if err := p.watch(ctx, calmTime, nil); err != nil {
		return err
	}
	if err := p.bare(ctx); err != nil {
		return err
	}
	if err := p.protect(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, calmTime, nil); err != nil {
		return err
	}
	p.line.say("the same flood begins again")
	p.result.onset = time.Now()
	if err := p.flood(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, floodTime, nil); err != nil {
		return err
	}
	p.result.floodEnd = time.Now()
	p.result.Most = p.mostHeld()
	p.count()
	p.endFlood()
	if err := p.watch(ctx, cleanTime, p.clean); err != nil {
		return err
	}
	if err := p.watch(ctx, afterTime, nil); err != nil {
		return err
	}
	return p.measure(ctx)
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

// bare is the flood with nothing against it, and the time until the clients are served again.
func (p *play) bare(ctx context.Context) error {
	p.line.say("a flood begins, and nothing answers it: 8 IPv4 addresses and one IPv6 /64")
	onset := time.Now()
	if err := p.flood(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, bareTime, nil); err != nil {
		return err
	}
	p.result.Bare = p.clients.Span(onset, time.Now().Add(-settle))
	p.endFlood()
	ended := time.Now()
	return p.watch(ctx, healTime, func() bool {
		_, ok := p.clients.Recovered(ended, settle)
		return ok
	})
}

// flood lets the attackers loose: eight IPv4 addresses, and 500 addresses of one IPv6 /64.
func (p *play) flood(ctx context.Context) error {
	for _, c := range []lab.HoardConfig{
		{Target: netip.AddrPortFrom(lab.VictimV4(), servicePort), Sources: lab.AttackRange().IPv4(8), Total: 3000, Rate: 12000, Payload: lab.PartialRequest()},
		{Target: netip.AddrPortFrom(lab.VictimV6(), servicePort), Sources: lab.AttackRange().OneSubnet(500), Total: 1000, Rate: 6000},
	} {
		h, err := lab.StartHoard(ctx, p.lab.Attackers, c)
		if err != nil {
			return err
		}
		p.floods = append(p.floods, h)
	}
	return nil
}

// count sums up what the attackers tried and got.
func (p *play) count() {
	for _, h := range p.floods {
		c := h.Counts()
		p.result.Attempts += c.Attempts
		p.result.Refused += c.Refused
		p.result.Cut += c.Closed
	}
}

func (p *play) endFlood() {
	p.line.say("the flood ends")
	for _, h := range p.floods {
		_ = h.Stop() // it ends with the laboratory at the latest
	}
	p.floods = nil
}

// mostHeld returns the most connections one attacking source holds at the server; all addresses of
// an IPv6 /64 are one source.
func (p *play) mostHeld() int {
	held := make(map[netip.Prefix]int)
	for addr, n := range p.server.HeldBy() {
		bits := 32
		if addr.Is6() {
			bits = 64
		}
		if source, err := addr.Prefix(bits); err == nil {
			held[source] += n
		}
	}
	most := 0
	for _, n := range held {
		most = max(most, n)
	}
	return most
}

// clean reports whether the table has come and gone.
func (p *play) clean() bool {
	spans := p.table.Presences()
	return len(spans) > 0 && !spans[len(spans)-1].Gone.IsZero()
}

// watch adds samples to the timeline for a time, or until done says so.
func (p *play) watch(ctx context.Context, length time.Duration, done func() bool) error {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	end := time.Now().Add(length)
	for time.Now().Before(end) && (done == nil || !done()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.daemon.done:
			if err := ctx.Err(); err != nil {
				return err // whatever ended the play may have ended the daemon as well
			}
			return fmt.Errorf("the daemon ended in the middle of the play (%s)\n%s", p.daemon.cmd.ProcessState, p.daemon.log.String())
		case <-ticker.C:
			p.sample(ctx)
		}
	}
	return nil
}

// sample adds one line to the timeline.
func (p *play) sample(ctx context.Context) {
	totals := p.clients.Totals()
	s := sample{at: time.Now(), served: int(float64(totals.Succeeded-p.served) / sampleEvery.Seconds()), held: p.server.Counts().Held}
	p.served = totals.Succeeded
	s.limits = p.daemon.limits(ctx)
	p.announce()
	p.line.add(s)
}

// announce says on the timeline what has just come true.
func (p *play) announce() {
	if p.result.onset.IsZero() {
		return
	}
	if spans := p.table.Presences(); !p.first && len(spans) > 0 {
		p.first = true
		p.line.say(fmt.Sprintf("first rule in the kernel %.2f s after onset", spans[0].Seen.Sub(p.result.onset).Seconds()))
	}
	if at, ok := p.servedAgain(); !p.again && ok {
		p.again = true
		p.line.say(fmt.Sprintf("clients served again %.2f s after onset", at.Sub(p.result.onset).Seconds()))
	}
	if !p.result.floodEnd.IsZero() && p.clean() && p.result.cleanAt.IsZero() {
		spans := p.table.Presences()
		p.result.cleanAt = spans[len(spans)-1].Gone
		p.line.say("the table is gone: nothing is limited any more")
	}
}

// servedAgain returns the first moment after the outage from which all requests succeeded.
func (p *play) servedAgain() (time.Time, bool) {
	failed, ok := p.clients.FirstFailure(p.result.onset)
	if !ok {
		return time.Time{}, false
	}
	return p.clients.Recovered(failed, settle)
}
