package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// killFigures are what the kills of all laboratories came to.
type killFigures struct {
	kills int
	ended chan struct{} // closed when progress has returned

	mu      sync.Mutex
	forms   map[string]int
	moments map[string]int
	ceased  int             // stops that were faster than the kill
	clean   []time.Duration // from a kill until the machine was as without the daemon
	starts  []time.Duration // of a daemon after a kill, until it answered
}

func newKillFigures(kills int) *killFigures {
	return &killFigures{kills: kills, ended: make(chan struct{}), forms: make(map[string]int), moments: make(map[string]int)}
}

func (f *killFigures) add(form killForm, moment killMoment, clean time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forms[string(form)]++
	f.moments[string(moment)]++
	f.clean = append(f.clean, clean)
}

func (f *killFigures) started(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts = append(f.starts, took)
}

func (f *killFigures) early() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ceased++
}

func (f *killFigures) done() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.clean)
}

// line sums it all up.
func (f *killFigures) line() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	middle, most := spread(f.clean)
	usual, longest := spread(f.starts)
	return fmt.Sprintf("%d of %d kills: %s; %s (%d of them had ended by itself); as without it after %v at the median and %v at most, lease %v; "+
		"%d starts after a kill answered within %v at the median and %v at most",
		len(f.clean), f.kills, countsText(f.forms), countsText(f.moments), f.ceased, middle, most, killLease, len(f.starts), usual, longest)
}

// countsText lists counts by their names.
func countsText(counts map[string]int) string {
	var parts []string
	for name, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, name))
	}
	slices.SortFunc(parts, func(a, b string) int {
		_, a, _ = strings.Cut(a, " ")
		_, b, _ = strings.Cut(b, " ")
		return strings.Compare(a, b)
	})
	return strings.Join(parts, ", ")
}

// spread returns the median and the longest.
func spread(all []time.Duration) (middle, longest time.Duration) {
	if len(all) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2].Round(time.Millisecond), sorted[len(sorted)-1].Round(time.Millisecond)
}

// progress says every ten seconds how far it is.
func (f *killFigures) progress(t *testing.T, over <-chan struct{}) {
	defer close(f.ended)
	for !pause(10*time.Second, over) {
		t.Log(f.line())
	}
}
