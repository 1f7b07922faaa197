package daemon

import (
	"os"
	"slices"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// picture is all that is shown of one moment. Nothing it refers to is ever changed, so that whoever
// asks may write it out while the loop turns.
type picture struct {
	calendar control.Calendar
	policy   *policy.Policy
	decision policy.Decision
	seen     *policy.Observation
	state    policy.State
	sight    *policy.Sight // the newest of each count
	endings  map[string]*control.Endings
	syns     map[string]synRate
	sums     map[string]sums
	history  told
	head     control.Status // without the services
}

// picture is taken at the end of a turn.
func (d *Daemon) picture() *picture {
	seen, sight := d.seen, d.sight
	p := &picture{calendar: d.calendar(), policy: d.acting, decision: d.decision, seen: &seen, state: d.state, sight: &sight,
		endings: d.meters.endings, syns: d.meters.syns, sums: d.tally.sums(), history: d.history}
	p.head = control.Status{
		At: control.TimeOf(p.calendar.Wall), Version: d.Version, PID: os.Getpid(), Started: control.TimeOf(d.started),
		PolicyFile: d.PolicyPath, State: control.StatePeace, Faults: slices.Clone(d.faults.list), Reload: d.shownReload(), Modes: d.modes(true),
		Kernel: d.kernel(), Table: d.shownTable(), Turns: d.turns.shown(),
		Census: control.Census{Count: d.census.count, CPUTotal: control.Duration(d.census.cpu)},
		Admins: control.Admins{Ports: d.decision.SSH.Ports, Addresses: d.decision.SSH.Admins},
	}
	if len(d.decision.Attacks) > 0 {
		p.head.State = control.StateAttack
	}
	if len(d.faults.list) > 0 {
		p.head.State = control.StateDegraded
	}
	return p
}

// status writes the picture out.
func (p *picture) status() *control.Status {
	s := p.head
	if c := &p.sight.Census; c.Taken {
		s.Census.Taken, s.Census.Age = p.calendar.Time(c.From), control.Duration(p.calendar.Now.Sub(c.From))
		s.Census.Sockets, s.Census.CPU, s.Census.Complete = c.Sockets, control.Duration(c.CPU), c.Complete
	}
	for i := range p.decision.Exempt {
		s.Exempt = append(s.Exempt, control.ExemptOf(&p.decision.Exempt[i], p.calendar))
	}
	for i := range p.policy.Services {
		s.Services = append(s.Services, p.service(&p.policy.Services[i]))
	}
	return &s
}

func (d *Daemon) kernel() control.Kernel {
	c, k := d.seen.Counters, d.rates.last
	k.CurrEstab, k.SynCookies, k.ListenOverflows = c.CurrEstab, c.SynCookies, c.ListenOverflows
	k.ListenDrops, k.SYNDrops, k.Opens = c.ListenDrops, c.QueueFullDrops, c.PassiveOpens
	k.CookiesSent, k.CookiesValid, k.CookiesFailed = c.CookiesSent, c.CookiesValid, c.CookiesFailed
	k.ConntrackCount, k.ConntrackMax = c.ConntrackCount, c.ConntrackMax
	k.CookiesMissing = d.decision.Watch.CookiesOff
	return k
}

func (d *Daemon) shownTable() control.Table {
	have, features := d.Rules.Have(), d.Rules.Features()
	t := control.Table{Present: have.Present, Owned: have.Present && d.Rules.Owned(), Conntrack: control.ConntrackOff,
		Features: features.Has(), Fallbacks: features.Lacking(), Sets: append([]control.Set{}, d.fill.sets...)}
	switch {
	case have.Present && d.Rules.Environment().OthersTrack:
		t.Conntrack, t.Assumed = control.ConntrackOthers, d.Rules.Environment().Assumed
	case have.Ruleset.Tracks():
		t.Conntrack = control.ConntrackOurs
	}
	return t
}

var (
	_ Rules     = (*enforcer.Table)(nil)
	_ Closer    = (*enforcer.Closer)(nil)
	_ Publisher = (*control.Server)(nil)
)
