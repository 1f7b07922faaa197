package observer

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestShare(t *testing.T) {
	const ms = time.Millisecond
	type look struct {
		at, cpu time.Duration
		want    bool
	}
	tests := []struct {
		name     string
		perMille int
		looks    []look
	}{
		{"nothing is allowed", 0, []look{{0, 0, false}, {5 * time.Second, 0, false}}},
		{"negative is nothing", -3, []look{{0, 0, false}}},
		{"within", 50, []look{{0, 0, true}, {100 * ms, 20 * ms, true}, {999 * ms, 49 * ms, true}}},
		{"used up until the next second", 50, []look{{100 * ms, 50 * ms, false}, {999 * ms, 50 * ms, false}, {1000 * ms, 50 * ms, true}}},
		{"what is left is not saved up", 50, []look{{5000 * ms, 0, true}, {5000 * ms, 49 * ms, true}, {5000 * ms, 50 * ms, false}}},
		{"too much counts against the next", 50, []look{{100 * ms, 120 * ms, false}, {1000 * ms, 120 * ms, false},
			{1999 * ms, 120 * ms, false}, {2000 * ms, 120 * ms, true}, {2000 * ms, 149 * ms, true}, {2000 * ms, 150 * ms, false}}},
		{"a whole core", 1000, []look{{999 * ms, 999 * ms, true}, {1500 * ms, 1500 * ms, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShare(tt.perMille, at(0), time.Hour)
			for _, l := range tt.looks {
				if got := s.left(at(l.at), time.Hour+l.cpu); got != l.want {
					t.Fatalf("after %v and %v of CPU: %v, want %v", l.at, l.cpu, got, l.want)
				}
				if left := s.next().Sub(at(l.at)); left <= 0 || left > shareWindow {
					t.Fatalf("after %v the second ends in %v", l.at, left)
				}
			}
		})
	}
}

// TestShareIsKept lets a greedy thread run: however its batches fall, it takes its share and the
// cost of one batch, no more.
func TestShareIsKept(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, perMille := range []int{1, 50, 400} {
		s := newShare(perMille, at(0), 0)
		const batch = 30 * time.Millisecond
		var now, cpu time.Duration
		for now < 10*time.Minute {
			step := time.Duration(rnd.Int64N(int64(batch)))
			if s.left(at(now), cpu) {
				cpu += step
			}
			now += step
		}
		allowed := now/1000*time.Duration(perMille) + s.window() + batch
		if cpu > allowed || cpu < allowed/3 {
			t.Errorf("%d thousandths: %v of CPU in %v, allowed are %v", perMille, cpu, now, allowed)
		}
	}
}
