package main

import (
	"strings"
	"testing"
	"time"

	"ebbgate/internal/suggest"
	"ebbgate/observer"
	"ebbgate/policy"
)

// TestPace looks at each tick, a little late as tickers are, whether a census begins.
func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		length time.Duration
		cost   time.Duration
		least  int // censuses
		most   int
		short  string
	}{
		"ten minutes":     {10 * time.Minute, 3 * time.Millisecond, 300, 301, ""},
		"twenty seconds":  {20 * time.Second, 3 * time.Millisecond, 16, 17, ""},
		"six seconds":     {6 * time.Second, 3 * time.Millisecond, 16, 17, ""},
		"one second":      {time.Second, 3 * time.Millisecond, 5, 6, ""},
		"costly":          {10 * time.Minute, 300 * time.Millisecond, 100, 104, "Only 10"},
		"not that costly": {10 * time.Minute, 150 * time.Millisecond, 200, 206, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := paced{budget: observer.NewBudget(policy.DefaultCPUBudget), pause: pauseOf(c.length)}
			step := min(suggestTick, p.pause)
			began := policy.Instant(time.Hour)
			taken := 0
			for i := range int(c.length/step) + 1 {
				if late := time.Duration(i%7) * time.Millisecond; p.begin(began.Add(time.Duration(i)*step + late)) {
					p.budget.Spend(began.Add(time.Duration(i)*step+late), c.cost)
					taken++
				}
			}
			if taken < c.least || taken > c.most {
				t.Errorf("%d censuses, want %d to %d", taken, c.least, c.most)
			}
			if got := p.short(); c.short == "" != (got == "") || !strings.HasPrefix(got, c.short) {
				t.Errorf("%q, want %q", got, c.short)
			}
		})
	}
}

// TestSpansHaveEnoughCensuses holds every length to what is said of spans.
func TestSpansHaveEnoughCensuses(t *testing.T) {
	for _, length := range []time.Duration{2 * time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 10 * time.Minute, longestSuggest} {
		span, pause := spanOf(length), pauseOf(length)
		if span > suggest.DefaultSpan || length/span < suggestSpans || span/pause < 2 {
			t.Errorf("%v: spans of %v with a census each %v", length, span, pause)
		}
	}
}
