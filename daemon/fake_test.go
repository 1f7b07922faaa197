package daemon

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// clock is the fake time of synctest as the daemon's two clocks. The machine was started bootAge
// before the test.
type clock struct {
	began time.Time
	still bool // it stands still
}

const bootAge = 1000 * time.Second

func (c clock) now() policy.Instant {
	if c.still {
		return policy.Instant(bootAge)
	}
	return policy.Instant(bootAge + time.Since(c.began))
}

// after returns how long after the test's start an instant was.
func (c clock) after(t policy.Instant) time.Duration { return time.Duration(t) - bootAge }

// trace is the order in which the daemon called the fakes.
type trace struct {
	mu    sync.Mutex
	calls []call
}

type call struct {
	at   time.Duration // after the test's start
	what string
}

func (tr *trace) add(c clock, what string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.calls = append(tr.calls, call{c.after(c.now()), what})
}

// times returns when a call was made.
func (tr *trace) times(what string) []time.Duration {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var at []time.Duration
	for _, c := range tr.calls {
		if c.what == what {
			at = append(at, c.at)
		}
	}
	return at
}

// only returns the calls of the given kinds, in order.
func (tr *trace) only(kinds ...string) []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var out []string
	for _, c := range tr.calls {
		for _, k := range kinds {
			if c.what == k {
				out = append(out, k)
			}
		}
	}
	return out
}

// fakeCloser closes what its field says.
type fakeCloser struct {
	clock clock
	trace *trace

	mu     sync.Mutex
	takes  time.Duration
	closed enforcer.Closed
	err    error
	asked  []policy.Decision

	forgets int // runs of Forget until nothing is left
}

func (c *fakeCloser) Cut(_ *policy.Policy, d *policy.Decision) (enforcer.Closed, error) {
	c.trace.add(c.clock, "close")
	c.mu.Lock()
	c.asked = append(c.asked, *d)
	takes, closed, err := c.takes, c.closed, c.err
	c.mu.Unlock()
	time.Sleep(takes) // of synctest's time
	c.trace.add(c.clock, "close ends")
	return closed, err
}

func (c *fakeCloser) Forget(*policy.Policy) (int, bool, error) {
	c.trace.add(c.clock, "forget")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets--
	return 3, c.forgets > 0, nil
}

// fakePublisher keeps the latest picture.
type fakePublisher struct {
	mu      sync.Mutex
	status  *control.Status
	ruleset func() *control.Ruleset
	attacks func() *control.Attacks
	explain func(netip.Addr) *control.Explanation
	sources func() *control.SourceList
	streams []*control.Stream
	hidden  error
}

func (p *fakePublisher) Unreachable() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hidden
}

func (p *fakePublisher) hide(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden = why
}

func (p *fakePublisher) PublishEvents(s *control.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams = append(p.streams, s)
}

// stream returns the events as they were published last.
func (p *fakePublisher) stream() *control.Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams[len(p.streams)-1]
}

func (p *fakePublisher) Publish(s *control.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = s
}

func (p *fakePublisher) PublishRuleset(f func() *control.Ruleset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ruleset = f
}

func (p *fakePublisher) PublishAttacks(f func() *control.Attacks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attacks = f
}

func (p *fakePublisher) PublishExplain(f func(netip.Addr) *control.Explanation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.explain = f
}

func (p *fakePublisher) PublishSources(f func() *control.SourceList) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources = f
}

// listed returns what lists the sources.
func (p *fakePublisher) listed() func() *control.SourceList {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sources
}

// shown returns what writes the rules out.
func (p *fakePublisher) shown() func() *control.Ruleset {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ruleset
}

// told returns what tells of the attacks.
func (p *fakePublisher) told() func() *control.Attacks {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attacks
}

// explains returns what explains an address.
func (p *fakePublisher) explains() func(netip.Addr) *control.Explanation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.explain
}

func (p *fakePublisher) latest() *control.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// fakeManager takes messages, or refuses those its field names.
type fakeManager struct {
	clock clock
	trace *trace

	mu   sync.Mutex
	deaf map[string]error
	line string // of Status
}

func (m *fakeManager) take(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.deaf[what]; err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	m.trace.add(m.clock, what)
	return nil
}

func (m *fakeManager) Ready() error     { return m.take("ready") }
func (m *fakeManager) Reloading() error { return m.take("reloading") }
func (m *fakeManager) Stopping() error  { return m.take("stopping") }
func (m *fakeManager) Watchdog() error  { return m.take("watchdog") }

func (m *fakeManager) Status(line string) error {
	if err := m.take("status"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line = line
	return nil
}

// refuse makes the manager refuse a message, or take it again.
func (m *fakeManager) refuse(what string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaf[what] = err
}
