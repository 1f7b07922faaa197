package daemon

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
)

// load gives the order to load the policy again.
func (w *world) load() (*control.Reload, *control.Error) {
	w.t.Helper()
	got := w.order(control.NewOrder(control.Reloading{}))
	r, _ := got.whole.(*control.Reload)
	return r, got.refusal
}

func TestReloadOrderOfAGoodPolicy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 15)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		if !strings.Contains(w.inForce(), "203.0.113.1 ") {
			t.Fatalf("the source is not limited:\n%s", w.inForce())
		}
		w.write("[control]\nsocket = \"/run/other.sock\"\n[[service]]\nname = \"other\"\nports = [443]\n")
		r, refusal := w.load()
		if refusal != nil || !r.InForce || r.File != w.path || r.Services != 1 || len(r.Problems) != 0 || r.Error != "" {
			t.Fatalf("answer %+v, %v", r, refusal)
		}
		if len(r.Warnings) != 2 || !strings.Contains(r.Warnings[0], "has no limit") || !strings.HasPrefix(r.Warnings[1], "control: takes effect when the service is restarted") {
			t.Errorf("warnings %q", r.Warnings)
		}
		if text := w.inForce(); strings.Contains(text, "203.0.113.1 ") {
			t.Errorf("answered, but the kernel still has the policy before:\n%s", text)
		}
		if s := w.publisher.latest(); s.Reload != r || len(s.Services) != 1 {
			t.Errorf("answered, but shown is %+v with %d services", s.Reload, len(s.Services))
		}
		if len(w.daemon.seen.Orders) != 0 {
			t.Error("a reload became an order for the decision")
		}
	})
}

func TestReloadOrderOfABadPolicy(t *testing.T) {
	for _, c := range spoilt {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				defer w.stop()
				w.pass(time.Second)
				// Who asks hears of the policy even while the kernel refuses to change its rules.
				w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
				before := w.daemon.Policy
				must(t, os.Remove(w.path))
				c.spoil(t, w.path)
				r, refusal := w.load()
				if refusal != nil || r.InForce || r.Services != 2 || w.daemon.Policy != before {
					t.Fatalf("answer %+v, %v", r, refusal)
				}
				if lines := strings.Split(r.Error, "\n"); len(r.Problems) != len(lines) {
					t.Errorf("%d problems, want %d", len(r.Problems), len(lines))
				}
				problems := fmt.Sprintf("problems=%d", len(r.Problems))
				if got := w.log.lines("policy-refused"); len(got) != 1 || !strings.HasPrefix(got[0], "ERROR ") || !strings.HasSuffix(got[0], problems) {
					t.Errorf("log %q, want one line with %s: whoever asked is told the rest", got, problems)
				}
				for _, want := range c.want {
					if want = strings.ReplaceAll(want, "PATH", w.path); !strings.Contains(r.Refusal().Error(), want) {
						t.Errorf("%q lacks %q", r.Refusal(), want)
					}
				}
			})
		})
	}
}

func TestReloadOrderTheKernelRefusesIsNotCalledDone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
		w.write(strings.Replace(enforcing, "per_source = 10", "per_source = 20", 1))
		r, refusal := w.load()
		if refusal == nil || refusal.Kind != control.KindInternal || !strings.Contains(refusal.Message, errRefused.Error()) ||
			!strings.HasPrefix(refusal.Message, "the policy is loaded again, but") {
			t.Errorf("answer %+v, %+v; want the kernel's refusal", r, refusal)
		}
		if got := w.trace.only("reloading", "ready"); !slices.Equal(got, []string{"ready", "reloading", "ready"}) {
			t.Errorf("told the service manager %v", got)
		}
	})
}

// TestReloadsByEveryWay has a signal and two orders come at once. Each is a turn of its own, and none waits for
// ever.
func TestReloadsByEveryWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first, second := control.NewOrder(control.Reloading{}), control.NewOrder(control.Reloading{})
		w.orders <- first
		w.orders <- second
		w.reload <- struct{}{}
		w.start()
		for _, o := range []*control.Order{first, second} {
			if done, refusal := o.Wait(t.Context()); refusal != nil || !done.(*control.Reload).InForce {
				t.Errorf("answer %+v, %v", done, refusal)
			}
		}
		w.stop()
		if got := strings.Join(w.trace.only("reloading", "ready"), " "); got != "ready"+strings.Repeat(" reloading ready", 3) {
			t.Errorf("told the service manager %q", got)
		}
		if n := len(w.watcher.policies); n != 4 {
			t.Errorf("the watcher was given %d policies, want 4", n)
		}
	})
}
