package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	sampleEvery = 500 * time.Millisecond
	calmEvery   = 5 * time.Second
	lookEvery   = 100 * time.Millisecond // at what the daemon tells: how exact the time of recognition is
)

// watch adds samples to the timeline for a time, or until done says so.
func (p *play) watch(ctx context.Context, length time.Duration, done func() bool) error {
	samples, looks := time.NewTicker(sampleEvery), time.NewTicker(lookEvery)
	defer samples.Stop()
	defer looks.Stop()
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
		case <-looks.C:
			p.look(ctx)
		case <-samples.C:
			if err := p.sample(); err != nil {
				return err
			}
		}
	}
	return nil
}

// look asks the daemon what it sees and does, and the server how many wait.
func (p *play) look(ctx context.Context) {
	// One that does not answer says nothing, least of all that there is no attack.
	if told := p.daemon.service(ctx); told.Name != "" {
		p.told = told
	}
	if p.underAttack() {
		p.result.hear(p.told, time.Now())
		p.result.MostWaiting = max(p.result.MostWaiting, p.server.Waiting())
	}
	p.announce()
}

// underAttack reports whether the attack that ebbgate answers is under way.
func (p *play) underAttack() bool { return !p.result.onset.IsZero() && p.result.floodEnd.IsZero() }

// sample adds one line to the timeline.
func (p *play) sample() error {
	totals := p.clients.Totals()
	s := sample{at: time.Now(), served: int(float64(totals.Succeeded-p.served) / sampleEvery.Seconds())}
	p.served = totals.Succeeded
	s.load = p.kind.load.read(p, &p.loaded)
	s.limits = p.told.LimitsTotal + p.told.BlocksTotal
	if p.underAttack() {
		tracked, err := p.tracked()
		if err != nil {
			return err
		}
		p.result.MostTracked = max(p.result.MostTracked, tracked)
	}
	p.announce()
	if !p.thin(s.at) {
		p.shown = s.at
		p.line.add(s)
	}
	return nil
}

// thin reports whether a sample may be left out: when the attack is over and ebbgate only goes on
// counting, and when somebody tries things out meanwhile, one in five seconds is enough.
func (p *play) thin(now time.Time) bool {
	over := p.Stay || !p.result.floodEnd.IsZero() && p.kind.metered && len(p.told.Attacks) == 0 && p.told.LimitsTotal+p.told.BlocksTotal == 0
	return over && len(p.line.notes) == 0 && now.Sub(p.shown) < calmEvery
}

// tracked returns how many conntrack entries the victim has. Nobody but ebbgate could have switched
// conntrack on there.
func (p *play) tracked() (int, error) {
	n, err := p.lab.Victim.ConntrackCount()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // a kernel without conntrack
	}
	return n, err
}

// announce says on the timeline what has just come true.
func (p *play) announce() {
	if p.result.onset.IsZero() {
		return
	}
	since := func(t time.Time) float64 { return t.Sub(p.result.onset).Seconds() }
	for _, k := range p.result.news() {
		p.line.say(fmt.Sprintf("ebbgate recognises it %.2f s after onset: %s", since(k.at), k.kind))
	}
	if at, ok := p.firstRule(); !p.first && ok {
		p.first = true
		p.line.say(fmt.Sprintf("first rule in the kernel %.2f s after onset", since(at)))
	}
	if at, ok := p.servedAgain(); !p.again && ok {
		p.again = true
		if p.kind.cured {
			p.line.say(fmt.Sprintf("clients served again %.2f s after onset", since(at)))
		} else {
			p.line.say("clients served again")
		}
	}
	p.announceEnds()
}
