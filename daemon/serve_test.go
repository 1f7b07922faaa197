package daemon

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ebbgate/control"
)

// fakeMetrics listens where its field allows it.
type fakeMetrics struct {
	mu     sync.Mutex
	refuse error
	at     []netip.AddrPort // each another one than before
	calls  int
	status *control.Status
}

func (m *fakeMetrics) Publish(s *control.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = s
}

func (m *fakeMetrics) Serve(at netip.AddrPort) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if n := len(m.at); n == 0 || m.at[n-1] != at {
		m.at = append(m.at, at)
	}
	if !at.IsValid() {
		return nil
	}
	return m.refuse
}

func (m *fakeMetrics) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

func (m *fakeMetrics) seen() (at []netip.AddrPort, calls int, shown *control.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.at), m.calls, m.status
}

// TestMetricsFollowThePolicy at start, at each reload, and no other time.
func TestMetricsFollowThePolicy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := &fakeMetrics{}
		w.metrics = m
		w.write(enforcing + "[metrics]\nlisten = \"127.0.0.1:9815\"\n")
		w.start()
		time.Sleep(2 * time.Second)
		if _, _, shown := m.seen(); shown == nil || shown != w.publisher.latest() {
			t.Error("what is shown is not what is published")
		}
		for _, listen := range []string{"[::1]:9815", "", "[::1]:1"} {
			w.write(enforcing + "[metrics]\nlisten = \"" + listen + "\"\n")
			w.reload <- struct{}{}
			time.Sleep(time.Second)
		}
		w.write("no policy")
		w.reload <- struct{}{}
		time.Sleep(time.Second)
		at, calls, _ := m.seen()
		want := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9815"), netip.MustParseAddrPort("[::1]:9815"), {}, netip.MustParseAddrPort("[::1]:1")}
		if !slices.Equal(at, want) {
			t.Errorf("served at %v, want %v", at, want)
		}
		if calls < 25 {
			t.Errorf("told %d times in 30 turns, want each turn", calls)
		}
	})
}

// TestMetricsThatCannotBeServed are a fault, and a warning of the reload that wants them, and no end.
func TestMetricsThatCannotBeServed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := &fakeMetrics{refuse: errors.New("listen at 127.0.0.1:9815: address already in use")}
		w.metrics = m
		w.start()
		if s := w.publisher.latest(); s.State != control.StatePeace {
			t.Errorf("not asked to serve, it is %s: %+v", s.State, s.Faults)
		}
		w.write(enforcing + "[metrics]\nlisten = \"127.0.0.1:9815\"\n")
		w.reload <- struct{}{}
		time.Sleep(time.Second)
		s := w.publisher.latest()
		const text = "metrics.listen: listen at 127.0.0.1:9815: address already in use"
		if s.State != control.StateDegraded || len(s.Faults) != 1 || s.Faults[0].Part != metricsPart || s.Faults[0].Text != text {
			t.Errorf("it is %s with %+v", s.State, s.Faults)
		}
		if s.Reload == nil || s.Reload.Error != "" || !slices.ContainsFunc(s.Reload.Warnings, func(w string) bool { return strings.HasPrefix(w, text) }) {
			t.Errorf("reload %+v", s.Reload)
		}
		m.set(nil)
		time.Sleep(time.Second)
		if s := w.publisher.latest(); s.State != control.StatePeace {
			t.Errorf("served at last, it is %s with %+v", s.State, s.Faults)
		}
	})
}
