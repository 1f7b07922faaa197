package daemon

import (
	"encoding/json"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
	"ebbgate/policy"
)

// explain asks for an address as a client does.
func (w *world) explain(addr string) *control.Explanation {
	return w.publisher.explains()(netip.MustParseAddr(addr))
}

func explained(e *control.Explanation, service string) control.ServiceExplanation {
	for _, s := range e.Services {
		if s.Service == service {
			return s
		}
	}
	return control.ServiceExplanation{}
}

func TestExplainTellsOfTheNewestCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(metering)
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		if e := explained(w.explain("203.0.113.1"), "web"); e.Known {
			t.Errorf("before the first census: %+v", e)
		}
		w.watcher.set(func(f *fakeWatcher) {
			f.counters.CookiesSent += 1000
			f.proven = map[string]bool{"203.0.113.1/32": true}
			now := w.clock.now()
			f.endings = policy.Endings{Taken: true, From: now, Span: time.Second, Services: []policy.ServiceEndings{
				{Service: "web", Ended: 40, Sources: []policy.SourceEndings{{Source: prefix("203.0.113.1"), Ended: 40}}}}}
		})
		w.rules.set(func(r *fakeRules) {
			r.meters = []policy.SYNMeter{{Service: "web", SYNs: 1000, Over: 400, Sources: []policy.SYNSource{{Source: prefix("203.0.113.1"), Over: 400}}}}
		})
		w.pass(1900 * time.Millisecond)
		e := explained(w.explain("203.0.113.1"), "web")
		if !e.Known || e.Held != 25 || e.Max != 10 || len(e.Limits) != 1 {
			t.Errorf("limited source: %+v", e)
		}
		if e.PerS == nil || *e.PerS != 40 || e.SYNsOver != 400 || !e.Proven {
			t.Errorf("rates: %+v", e)
		}
		if other := explained(w.explain("203.0.113.2"), "web"); !other.Known || other.Held != 0 || len(other.Limits) != 0 || other.SYNsOver != 0 {
			t.Errorf("a source that holds nothing: %+v", other)
		}
		if free := w.explain("192.0.2.9"); len(free.Exempt) == 0 {
			t.Errorf("an exempt address: %+v", free)
		}
		w.watcher.set(func(f *fakeWatcher) { f.endings = policy.Endings{} })
		w.pass(5 * time.Second)
		if old := explained(w.explain("203.0.113.1"), "web"); old.PerS != nil {
			t.Errorf("a count of what ended five seconds ago is told as new: %+v", old)
		}
	})
}

func TestExplanationsAreOfTheirTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		ask := w.publisher.explains()
		addr := netip.MustParseAddr("203.0.113.1")
		before, err := json.Marshal(ask(addr))
		must(t, err)
		var readers sync.WaitGroup
		readers.Go(func() {
			for range 50 {
				after, err := json.Marshal(ask(addr))
				if diff := cmp.Diff(string(before), string(after)); diff != "" || err != nil {
					t.Errorf("%v %s", err, diff)
				}
				time.Sleep(100 * time.Millisecond) // of synctest's time, while the loop turns
			}
		})
		w.watcher.hold("web", "203.0.113.1", 60)
		w.pass(time.Second)
		w.order(exempt("203.0.113.1", ""))
		readers.Wait()
		if e := w.explain("203.0.113.1"); len(e.Exempt) != 1 {
			t.Errorf("the newest explanation does not tell of the exemption: %+v", e)
		}
		w.stop()
	})
}
