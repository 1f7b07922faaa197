package daemon

import (
	"maps"
	"sync"
	"testing"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

// fakeRules keeps the table in memory with enforcer.Fake, which refuses what the kernel would, and
// behaves otherwise like enforcer.Table.
type fakeRules struct {
	t     testing.TB
	clock clock
	trace *trace

	mu       sync.Mutex
	kernel   enforcer.Fake
	have     enforcer.Have
	env      enforcer.Environment
	owned    bool
	others   bool  // another table uses conntrack; the next Look sees it
	blind    error // of Look
	refuse   error // of Apply, for plans that hold anything
	uncount  error // of Counts
	unmeter  error // of Meters
	unfill   error // of Fill
	features enforcer.Features
	fills    []enforcer.Fill
	meters   []policy.SYNMeter
	counts   map[string]enforcer.Counts
	sent     []transaction // that the kernel took
	applied  int           // plans, empty ones too
	refusals []policy.Instant
}

// modern is what a kernel of our day can do.
var modern = enforcer.Features{Owner: true, Destroy: true, Count: true, Connlimit: true, SYNProxy: true, Close: true, Endings: true}

// transaction is one plan that was sent.
type transaction struct {
	at   time.Duration // after the test's start
	text string
	plan enforcer.Plan
}

func (r *fakeRules) Have() enforcer.Have {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.have
}

func (r *fakeRules) Environment() enforcer.Environment {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.env
}

func (r *fakeRules) Owned() bool { return r.owned }

func (r *fakeRules) Look(needed bool) (enforcer.Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var c enforcer.Change
	if r.blind != nil || !needed && !r.have.Present {
		return c, r.blind
	}
	if r.have.Present && !r.kernel.Present {
		c.Lost, r.have = true, enforcer.Have{Known: true}
	}
	c.Track = r.others != r.env.OthersTrack
	r.env.OthersTrack = r.others
	return c, nil
}

func (r *fakeRules) Apply(p enforcer.Plan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied++
	if p.Empty() {
		r.have.Known, r.have.Ruleset = true, p.After
		return nil
	}
	now := r.clock.now()
	err := r.refuse
	if err == nil {
		r.kernel.Now = now
		if err = r.kernel.Apply(p); err != nil {
			r.t.Errorf("the kernel would refuse: %v\n%s", err, p.String())
		}
	}
	if err != nil {
		r.trace.add(r.clock, "refused")
		r.refusals = append(r.refusals, now)
		r.have = enforcer.Have{Present: r.kernel.Present}
		return err
	}
	r.trace.add(r.clock, "apply")
	if p.Replaces() {
		r.counts = nil
	}
	r.have = enforcer.Have{Known: true, Present: r.kernel.Present, Ruleset: p.After}
	r.sent = append(r.sent, transaction{r.clock.after(now), p.String(), p})
	return nil
}

func (r *fakeRules) Meters() ([]policy.SYNMeter, error) {
	r.trace.add(r.clock, "meters")
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.kernel.Present {
		return nil, r.unmeter
	}
	return r.meters, r.unmeter
}

func (r *fakeRules) Features() enforcer.Features {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.features
}

func (r *fakeRules) Fill() ([]enforcer.Fill, error) {
	r.trace.add(r.clock, "fill")
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fills, r.unfill
}

func (r *fakeRules) Counts() (map[string]enforcer.Counts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uncount != nil || !r.kernel.Present {
		return nil, r.uncount
	}
	return maps.Clone(r.counts), nil
}

// set changes the fields.
func (r *fakeRules) set(change func(*fakeRules)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// lose removes the table as another program would.
func (r *fakeRules) lose() {
	r.set(func(r *fakeRules) { r.kernel, r.counts = enforcer.Fake{}, nil })
}

// compared returns how often what is there was compared with what is wanted.
func (r *fakeRules) compared() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied
}

func (r *fakeRules) transactions() []transaction {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]transaction(nil), r.sent...)
}
