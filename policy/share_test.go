package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFairShare(t *testing.T) {
	tests := []struct {
		name   string
		counts []int
		target int
		last   int
		relax  bool
		want   int
	}{
		{"enough for all", []int{5, 5, 5}, 15, unlimited, false, unlimited},
		{"the one that takes most gives most", []int{2, 3, 100}, 25, unlimited, false, 20},
		{"equal ones share equally", []int{10, 10, 10, 10}, 20, unlimited, false, 5},
		{"what cannot be shared out is left", []int{10, 10, 10}, 20, unlimited, false, 6},
		{"never below one", []int{1, 1, 1, 1, 1}, 2, unlimited, false, 1},
		{"nobody", nil, 10, unlimited, false, unlimited},
		{"held down already", []int{5, 5, 5, 5}, 20, 5, false, 5},
		{"held down, with room, but too early", []int{5, 1}, 20, 5, false, 5},
		{"relaxed as far as all may use it", []int{5, 5, 1}, 20, 5, true, 9},
		{"relaxed a long way", []int{5, 1}, 200, 5, true, 199},
		{"no room to relax", []int{5, 5, 5, 5}, 23, 5, true, 5},
		{"nobody is at the share", []int{4, 3, 1}, 20, 5, true, unlimited},
		{"more came", []int{5, 5, 5, 5, 5, 5}, 20, 5, true, 3},
		{"not yet closed", []int{50, 5, 5, 5}, 20, 5, false, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fairShare(tt.counts, tt.target, tt.last, tt.relax); got != tt.want {
				t.Errorf("fairShare(%v, %d, %d, %v) = %d, want %d", tt.counts, tt.target, tt.last, tt.relax, got, tt.want)
			}
		})
	}
}

// The largest share by definition: no larger one keeps the target.
func TestFairShareIsTheLargest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		counts := make([]int, 1+random.IntN(40))
		for i := range counts {
			counts[i] = 1 + random.IntN(60)
		}
		target := 1 + random.IntN(900)
		got := fairShare(counts, target, unlimited, false)
		if cappedSum(counts, unlimited) <= target {
			if got != unlimited {
				t.Fatalf("counts %v fit into %d, but the share is %d", counts, target, got)
			}
			continue
		}
		if sum := cappedSum(counts, got); sum > target && got != 1 {
			t.Fatalf("share %d of %v uses %d of %d", got, counts, sum, target)
		}
		if sum := cappedSum(counts, got+1); sum <= target {
			t.Fatalf("share %d of %v is not the largest: %d would use %d of %d", got, counts, got+1, sum, target)
		}
	}
}

// Whoever relaxes keeps the target even if everybody at the share takes all he may, so the next
// reading never cuts what this one gave: nothing swings.
func TestRelaxedShareNeedsNoCut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		last := 1 + random.IntN(20)
		counts := make([]int, 1+random.IntN(40))
		for i := range counts {
			counts[i] = 1 + random.IntN(last)
		}
		target := cappedSum(counts, last) + random.IntN(200)
		relaxed := fairShare(counts, target, last, true)
		if relaxed < last {
			t.Fatalf("counts %v at share %d keep %d, but it was cut to %d", counts, last, target, relaxed)
		}
		greedy := slices.Clone(counts)
		for i, c := range greedy {
			if c >= last && relaxed != unlimited {
				greedy[i] = relaxed
			}
		}
		if again := fairShare(greedy, target, relaxed, false); again < relaxed {
			t.Fatalf("counts %v, share %d raised to %d, then cut to %d", counts, last, relaxed, again)
		}
	}
}

func BenchmarkFairShare(b *testing.B) {
	counts := make([]int, 100_000)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range counts {
		counts[i] = 1 + random.IntN(100)
	}
	b.ReportAllocs()
	for b.Loop() {
		fairShare(counts, 1_000_000, unlimited, false)
	}
}
