package daemon

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"time"

	"ebbgate/policy"
)

// fakeWatcher shows what the test put in its fields. Only mu makes them safe to change meanwhile.
type fakeWatcher struct {
	clock clock
	trace *trace

	mu         sync.Mutex
	policies   []*policy.Policy
	counters   policy.Counters
	listeners  []policy.Listener
	faults     []policy.Fault
	endings    policy.Endings
	armed      bool             // as the daemon said last
	exempt     [][]netip.Prefix // as the daemon said, each time
	proven     map[string]bool  // sources
	provenFull bool
	blocked    chan struct{} // Tick waits until it is closed

	held    map[string]map[string]int // service and source to connections
	rest    policy.Rest               // of the first service
	takes   time.Duration             // a census
	lingers time.Duration             // a census that is cancelled, until it ends
	cpu     time.Duration             // a census costs
	short   bool                      // it is incomplete
	broken  error                     // there is none
	running int
	most    int // censuses at once
}

func (w *fakeWatcher) SetPolicy(p *policy.Policy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.policies = append(w.policies, p)
}

func (w *fakeWatcher) Tick() policy.Observation {
	w.trace.add(w.clock, "tick")
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait := w.blocked; wait != nil {
		w.mu.Unlock()
		<-wait
		w.mu.Lock()
	}
	return policy.Observation{At: w.clock.now(), Wall: time.Now().UnixNano(), Counters: w.counters, Listeners: w.listeners, Endings: w.endings, Faults: w.faults}
}

func (w *fakeWatcher) Census(ctx context.Context) (policy.Census, error) {
	w.trace.add(w.clock, "census")
	from := w.clock.now()
	w.mu.Lock()
	w.running++
	w.most = max(w.most, w.running)
	takes := w.takes
	w.mu.Unlock()
	ended := error(nil)
	select {
	case <-ctx.Done():
		ended = ctx.Err()
		time.Sleep(w.lingers) // of synctest's time
	case <-time.After(takes):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.trace.add(w.clock, "census ends")
	if err := w.broken; err != nil || ended != nil {
		return policy.Census{CPU: w.cpu}, cmp.Or(ended, err)
	}
	return w.census(from), nil
}

// census is what the fields say. The caller holds mu.
func (w *fakeWatcher) census(from policy.Instant) policy.Census {
	c := policy.Census{Taken: true, Complete: !w.short, From: from, CPU: w.cpu}
	p := w.policies[len(w.policies)-1]
	for i := range p.Services {
		s := policy.ServiceCensus{Service: p.Services[i].Name}
		if i == 0 {
			s.Rest, s.Held = w.rest, w.rest.Held
		}
		for source, n := range w.held[s.Service] {
			s.Sources = append(s.Sources, policy.SourceCensus{Source: prefix(source), Held: n})
			s.Held += n
		}
		sortSources(s.Sources)
		c.Sockets += s.Held
		c.Services = append(c.Services, s)
	}
	return c
}

func (w *fakeWatcher) Arm(endings bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = endings
}

func (w *fakeWatcher) SetExempt(list []netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exempt = append(w.exempt, list)
}

func (w *fakeWatcher) Proven(source netip.Prefix) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proven[source.String()]
}

func (w *fakeWatcher) ProvenFull() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.provenFull
}

// hold sets what a source holds of a service.
func (w *fakeWatcher) hold(service, source string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[service] == nil {
		w.held[service] = make(map[string]int)
	}
	w.held[service][source] = n
}

// set changes the watcher's fields.
func (w *fakeWatcher) set(change func(*fakeWatcher)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}
