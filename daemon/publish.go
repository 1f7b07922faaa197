package daemon

import (
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// countsEvery is how often the kernel's counters are read while there is a table.
const countsEvery = time.Second

// publish shows the state of this turn to clients and to the service manager.
func (d *Daemon) publish() {
	now := d.Now()
	switch present := d.Rules.Have().Present; {
	case !present:
		d.faults.clear(countersPart) // there is nothing to read any more
	case now.Sub(d.tally.readAt) >= countsEvery:
		d.readCounts(now)
	}
	d.measure(now)
	d.rates.add(&d.seen)
	d.keeperFault()
	d.faults.set("control socket", d.Publisher.Unreachable())
	p := d.picture()
	status := p.status()
	d.keep(status)
	d.Publisher.Publish(status)
	if d.Metrics != nil {
		d.Metrics.Publish(status)
	}
	d.Publisher.PublishAttacks(p.attacks)
	d.Publisher.PublishRuleset(d.ruleset())
	d.Publisher.PublishExplain(p.explain)
	d.Publisher.PublishSources(p.sources)
	d.publishEvents()
	d.tell(d.Manager.Status(d.line.show(control.StatusLine(status), control.StatusNews(status), now)))
}

// ruleset returns what writes the rules out. Rulesets are never changed once made, so that whoever
// asks may do it.
func (d *Daemon) ruleset() func() *control.Ruleset {
	have, wanted, clock := d.Rules.Have(), d.table.wanted, d.Now
	return func() *control.Ruleset {
		at := clock()
		text := have.Ruleset.Format(at)
		if !have.Known && have.Present {
			text = "# the kernel refused a change: what the table holds is not known until it is replaced\n"
		}
		return &control.Ruleset{Text: text, Would: wanted.Format(at)}
	}
}

// explain tells what holds for an address by what was decided and counted up to this turn.
func (p *picture) explain(addr netip.Addr) *control.Explanation {
	e := policy.Explain(p.policy, &p.state, &p.decision, p.sight, addr)
	return control.ExplanationOf(&e, p.calendar)
}

// calendar is the present moment on both clocks.
func (d *Daemon) calendar() control.Calendar {
	return control.Calendar{Now: d.Now(), Wall: d.Wall()}
}
