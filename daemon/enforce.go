package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

const (
	// firstBackoff and lastBackoff bound the wait after a transaction the kernel refused.
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// table is what the loop wants of the kernel's table and how that went.
type table struct {
	wanted   enforcer.Ruleset
	asked    asked // for which it was compiled
	compiler enforcer.Compiler
	made     bool           // a transaction went through: what is in the kernel is ours
	retryAt  policy.Instant // a refused transaction is not repeated before
	backoff  time.Duration
	refused  error // why the last decision does not hold; nil: it does
	lost     bool  // since the last observation somebody else removed it
}

// asked is what the ruleset that is wanted was compiled from.
type asked struct {
	policy      *policy.Policy
	decision    policy.Decision
	environment enforcer.Environment
	until       policy.Instant // when it has to be compiled and compared anew at the latest
}

// compareEvery is how long a decision that asks for nothing new is taken for the last one, while only
// its leases move: half as long as it takes until one is due for renewal, at a third.
func compareEvery(p *policy.Policy) time.Duration {
	least := policy.MaxLease
	for i := range p.Services {
		least = min(least, p.Services[i].Response.Lease)
	}
	return least / 6
}

// settled reports whether the kernel holds what the decision asks for, as the last one did: most turns
// change nothing, and with 100,000 sources finding that out by comparing rulesets is what costs most.
func (d *Daemon) settled(now policy.Instant) bool {
	a, have := &d.table.asked, d.Rules.Have()
	return now < a.until && a.policy == d.acting && a.environment == d.Rules.Environment() &&
		have.Known && have.Present != d.table.wanted.Empty() && enforcer.Same(&a.decision, &d.decision)
}

// look notices what others did to the rules, where anything of ours is there or about to be.
func (d *Daemon) look() {
	n := &d.decision
	change, err := d.Rules.Look(len(n.Limits)+len(n.Watched)+len(n.Blocks)+len(n.Meters)+len(n.Drops)+len(n.Proxies) > 0)
	d.faults.set("rules", err)
	if change.Lost {
		d.table.lost = true
		d.tally.fold()
	}
	if change.Track {
		d.Log.Info("conntrack", "used_by_others", d.Rules.Environment().OthersTrack)
	}
}

// bereave adds to an observation that the table was lost. One of the same moment as the last counts as the
// last come twice, and would not be heard.
func (d *Daemon) bereave(o *policy.Observation) {
	if d.table.lost && o.At != d.state.At {
		o.TableLost, d.table.lost = true, false
	}
}

// neighbours adds to an observation what others do with the kernel's rules, as of the last look.
func (d *Daemon) neighbours(o *policy.Observation) {
	env, fw := d.Rules.Environment(), &o.Firewall
	fw.Known, fw.Tracks, fw.Synproxy = env.Known, env.Known && env.OthersTrack, d.Rules.Features().SYNProxy
}

// enforce makes the decision hold, in one transaction. A refused one is tried again with the
// table listed afresh, at growing intervals.
func (d *Daemon) enforce() {
	now, t := d.Now(), &d.table
	if d.leave(now) || d.settled(now) {
		return
	}
	env := d.Rules.Environment()
	t.wanted = t.compiler.Compile(d.acting, &d.decision, env)
	t.asked = asked{policy: d.acting, decision: d.decision, environment: env}
	if now < t.retryAt {
		return
	}
	plan, err := d.apply(now)
	if err != nil {
		t.backoff = min(max(2*t.backoff, firstBackoff), lastBackoff)
		t.retryAt, t.refused = now.Add(t.backoff), err
		d.faults.set("table", fmt.Errorf("%w; trying again in %v", err, t.backoff))
		return
	}
	t.backoff, t.retryAt, t.refused, t.made = 0, 0, nil, true
	t.asked.until = now.Add(compareEvery(d.Policy))
	for _, next := range []policy.Instant{d.decision.Next, plan.Again} {
		if next > now {
			t.asked.until = min(t.asked.until, next)
		}
	}
	d.faults.set("table", nil)
	if plan.Replaces() {
		d.tally.fold()
	}
}

// triesAtOnce bounds how often a change is sent that was refused for a reason which may pass in no time.
const triesAtOnce = 3

// apply sends what is missing. After a refusal the table has been listed, and what is missing is found
// anew.
func (d *Daemon) apply(now policy.Instant) (plan enforcer.Plan, err error) {
	for try := 1; ; try++ {
		plan = enforcer.Diff(d.Rules.Have(), d.table.wanted, now)
		if !plan.Empty() && try == 1 {
			// Removing the table removes its counters.
			d.readCounts(now)
		}
		if err = d.Rules.Apply(plan); try == triesAtOnce || !enforcer.Transient(err) {
			return plan, err
		}
	}
}

// tellExempt keeps the watcher informed of what is exempt beyond the policy: by the operator's word, and
// administrators.
func (d *Daemon) tellExempt() {
	var now []netip.Prefix
	for _, e := range d.decision.Exempt {
		now = append(now, e.Prefix)
	}
	for _, a := range d.decision.SSH.Admins {
		now = append(now, netip.PrefixFrom(a, a.BitLen()))
	}
	slices.SortFunc(now, policy.ComparePrefix)
	if now = slices.Compact(now); !slices.Equal(now, d.exempt) {
		d.exempt = now
		d.Watcher.SetExempt(now)
	}
}
