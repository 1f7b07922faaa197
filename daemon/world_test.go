package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/history"
	"ebbgate/policy"
)

// enforcing is the policy of most tests: a limit of 10, a lease of 6 s, a quiet time of 8 s.
const enforcing = `mode = "enforce"
[exempt]
prefixes = ["192.0.2.0/24"]
[[service]]
name  = "web"
ports = [80, "8000-8010"]
  [service.connections]
  per_source = 10
  [service.response]
  lease = "6s"
  quiet = "8s"
  block_after = "0s"
[[service]]
name      = "mail"
mode      = "shadow"
ports     = [25]
addresses = ["198.51.100.25"]
  [service.connections]
  per_source = 5
  [service.response]
  lease = "6s"
  quiet = "8s"
`

// stepFunc decides.
type stepFunc = func(*policy.Policy, policy.State, policy.Observation) (policy.State, policy.Decision)

// always returns what decides the same in every turn, whatever is observed.
func always(d policy.Decision) stepFunc {
	return func(_ *policy.Policy, _ policy.State, o policy.Observation) (policy.State, policy.Decision) {
		d := d
		d.At = o.At
		return policy.State{At: o.At}, d
	}
}

// world is a daemon among fakes, inside a bubble of synctest.
type world struct {
	t         *testing.T
	clock     clock
	trace     *trace
	log       *logLines
	watcher   *fakeWatcher
	rules     *fakeRules
	closer    *fakeCloser
	publisher *fakePublisher
	manager   *fakeManager
	recorder  Recorder // nil: none
	metrics   Metrics  // nil: none
	keeper    Keeper   // nil: none
	restored  history.Restored
	path      string // of the policy
	daemon    *Daemon

	step   stepFunc // nil: policy.Step
	reload chan struct{}
	orders chan *control.Order
	cancel context.CancelFunc
	ended  chan error
}

// inWorld runs f in a bubble of synctest, which fails the test if a goroutine outlives it.
func inWorld(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	synctest.Test(t, func(t *testing.T) {
		c, tr := clock{began: time.Now()}, &trace{}
		w := &world{t: t, clock: c, trace: tr, log: &logLines{}, path: path, reload: make(chan struct{}, 1), orders: make(chan *control.Order, 16),
			watcher: &fakeWatcher{clock: c, trace: tr, held: make(map[string]map[string]int), takes: 20 * time.Millisecond,
				cpu: time.Millisecond, counters: policy.Counters{Valid: true, CurrEstab: 50, SynCookies: 1}},
			rules:     &fakeRules{t: t, clock: c, trace: tr, owned: true, features: modern, have: enforcer.Have{Known: true}},
			closer:    &fakeCloser{clock: c, trace: tr},
			publisher: &fakePublisher{},
			manager:   &fakeManager{clock: c, trace: tr, deaf: make(map[string]error)},
		}
		w.write(enforcing)
		f(t, w)
	})
}

// make builds the daemon from the policy as it stands in the file.
func (w *world) make() *Daemon {
	w.t.Helper()
	p, src, err := ReadPolicy(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.daemon = New(Config{PolicyPath: w.path, Policy: p, Source: src, Version: "1.2.3", Log: slog.New(w.log.handler()),
		Watcher: w.watcher, Rules: w.rules, Closer: w.closer, Publisher: w.publisher, Manager: w.manager,
		Now: w.clock.now, Wall: time.Now, Reload: w.reload, Orders: w.orders, Recorder: w.recorder, Metrics: w.metrics,
		Keeper: w.keeper, Restored: w.restored, Boot: "boot one"})
	if w.step != nil {
		w.daemon.step = w.step
	}
	return w.daemon
}

// start runs the daemon beside the test until the loop waits.
func (w *world) start() {
	w.t.Helper()
	w.run(w.make())
}

// run runs a daemon that is made already.
func (w *world) run(d *Daemon) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel, w.ended = cancel, make(chan error, 1)
	go func() { w.ended <- d.Run(ctx) }()
	synctest.Wait()
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // of synctest's time
	synctest.Wait()
}

// stop ends the daemon and waits for it.
func (w *world) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.t.Errorf("Run: %v", err)
	}
}

// write replaces the policy's file.
func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// hup asks for a reload and waits until it is done.
func (w *world) hup() {
	w.reload <- struct{}{}
	synctest.Wait()
}

// faults returns the faults as they were published last: "part: text".
func (w *world) faults() []string {
	var out []string
	for _, f := range w.publisher.latest().Faults {
		out = append(out, f.Part+": "+f.Text)
	}
	return out
}

// logLines keeps what was logged, a line each: "LEVEL message key=value ...".
type logLines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) handler() slog.Handler {
	return slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "id" {
			return slog.Attr{}
		}
		return a
	}})
}

var logKeys = regexp.MustCompile(`^level=(\S+) msg=("[^"]*"|\S+)`)

// lines returns the lines that contain a text.
func (l *logLines) lines(with string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for line := range strings.Lines(l.b.String()) {
		line = logKeys.ReplaceAllString(strings.TrimSuffix(line, "\n"), "$1 $2")
		if strings.Contains(line, with) {
			out = append(out, line)
		}
	}
	return out
}

// prefix reads a source: an address, or a prefix.
func prefix(s string) netip.Prefix {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	return netip.MustParsePrefix(s)
}

func sortSources(list []policy.SourceCensus) {
	slices.SortFunc(list, func(a, b policy.SourceCensus) int { return policy.ComparePrefix(a.Source, b.Source) })
}

// spacing returns the least time between two neighbours.
func spacing(at []time.Duration) time.Duration {
	least := time.Duration(-1)
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; least < 0 || gap < least {
			least = gap
		}
	}
	return least
}

func samePrefix(a, b netip.Prefix) bool { return a == b }
