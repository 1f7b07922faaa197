package survey

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTopKeepsTheHeaviest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 5, 9, 10, 11, 19, 20, 21, 1000} {
		for _, spread := range []uint64{1, 3, 1 << 40} {
			list := top[uint64]{keep: 10}
			var all []uint64
			for range n {
				w := rnd.Uint64N(spread)
				all = append(all, w)
				list.add(w, w)
				if len(list.items) > 20 {
					t.Fatalf("%d items are kept to find 10", len(list.items))
				}
			}
			slices.Sort(all)
			slices.Reverse(all)
			if got, want := list.list(), all[:min(10, n)]; !slices.Equal(got, want) {
				t.Errorf("%d items below %d: got %v, want %v", n, spread, got, want)
			}
		}
	}
}

func TestTopOfNone(t *testing.T) {
	list := top[int]{}
	list.add(5, 5)
	if got := list.list(); len(got) != 0 || list.wants(9) {
		t.Errorf("got %v", got)
	}
}

func TestTopKeepsTheFirstOfEqualWeight(t *testing.T) {
	list := top[int]{keep: 3}
	for i := range 100 {
		list.add(7, i)
	}
	if got := list.list(); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("got %v", got)
	}
}
