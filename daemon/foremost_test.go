package daemon

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestForemostAreThoseASortWouldPutFirst(t *testing.T) {
	order := func(a, b *int) int { return cmp.Compare(*b, *a) }
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 9, 10, 11, 19, 20, 21, 50, 1000} {
		for name, list := range map[string][]int{"rising": nil, "falling": nil, "random": nil, "equal": make([]int, size)} {
			if name != "equal" {
				for i := range size {
					list = append(list, map[string]int{"rising": i, "falling": -i, "random": r.IntN(size)}[name])
				}
			}
			want := slices.Clone(list)
			slices.SortFunc(want, func(a, b int) int { return cmp.Compare(b, a) })
			want = want[:min(10, size)]
			var got []int
			for _, x := range foremost(list, 10, order) {
				got = append(got, *x)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %d: %v, want %v", name, size, got, want)
			}
		}
	}
}
