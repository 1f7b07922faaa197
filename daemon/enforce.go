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
	wanted  enforcer.Ruleset
	made    bool           // a transaction went through: what is in the kernel is ours
	retryAt policy.Instant // a refused transaction is not repeated before
	backoff time.Duration
	refused error // why the last decision does not hold; nil: it does
}

// look notices what others did to the rules, where anything of ours is there or about to be.
func (d *Daemon) look() {
	n := &d.decision
	change, err := d.Rules.Look(len(n.Limits)+len(n.Watched)+len(n.Blocks)+len(n.Meters)+len(n.Drops) > 0)
	d.faults.set("rules", err)
	if change.Lost {
		d.tally.fold()
		d.Log.Warn("somebody removed our table; building it again", "table", "inet "+enforcer.TableName)
	}
	if change.Track {
		d.Log.Info("conntrack", "used_by_others", d.Rules.Environment().OthersTrack)
	}
}

// enforce makes the decision hold, in one transaction. A refused one is tried again with the
// table listed afresh, at growing intervals.
func (d *Daemon) enforce() {
	now, t := d.Now(), &d.table
	t.wanted = enforcer.Compile(d.Policy, &d.decision, d.Rules.Environment())
	if now < t.retryAt {
		return
	}
	plan := enforcer.Diff(d.Rules.Have(), t.wanted, now)
	if !plan.Empty() {
		// Removing the table removes its counters.
		d.readCounts(now)
	}
	if err := d.Rules.Apply(plan); err != nil {
		t.backoff = min(max(2*t.backoff, firstBackoff), lastBackoff)
		t.retryAt, t.refused = now.Add(t.backoff), err
		d.faults.set("table", fmt.Errorf("%w; trying again in %v", err, t.backoff))
		return
	}
	t.backoff, t.retryAt, t.refused, t.made = 0, 0, nil, true
	d.faults.set("table", nil)
	if plan.Replaces() {
		d.tally.fold()
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
