package lab

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	type step struct{ ms, most, want int }
	for _, c := range []struct {
		name  string
		rate  int
		burst int
		steps []step
	}{
		{"nothing is due at first", 1000, 100, []step{{0, 10, 0}}},
		{"one a millisecond", 1000, 100, []step{{1, 10, 1}, {2, 10, 1}, {5, 10, 3}}},
		{"fractions add up", 300, 100, []step{{1, 9, 0}, {2, 9, 0}, {4, 9, 1}, {7, 9, 1}, {10, 9, 1}}},
		{"what is not wanted is kept", 1000, 100, []step{{10, 4, 4}, {10, 10, 6}, {10, 10, 0}}},
		{"but only up to the burst", 1000, 5, []step{{1000, 100, 5}, {1001, 100, 1}}},
		{"a burst below one is one", 1, 0, []step{{5000, 9, 1}}},
		{"the highest rate", 1_000_000, 10_000, []step{{1, 1 << 20, 1000}, {100, 1 << 20, 10_000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPace(c.rate, c.burst, birth)
			for i, s := range c.steps {
				if got := p.due(birth.Add(time.Duration(s.ms)*time.Millisecond), s.most); got != s.want {
					t.Fatalf("step %d at %d ms: %d due, want %d", i, s.ms, got, s.want)
				}
			}
		})
	}
}

func TestPaceKeepsItsRate(t *testing.T) {
	for _, rate := range []int{1, 7, 50, 999, 4000, 60_000, 333_333} {
		p, sum := newPace(rate, rate, birth), 0
		for ms := range 10_000 {
			sum += p.due(at(ms+1), 1<<30)
		}
		if want := 10 * rate; sum < want || sum > want+want/100+1 {
			t.Errorf("%d a second: %d in ten seconds", rate, sum)
		}
	}
}
