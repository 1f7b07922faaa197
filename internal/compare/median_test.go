package compare

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []int
		want   int
	}{
		{nil, 0},
		{[]int{7}, 7},
		{[]int{9, 1}, 1},
		{[]int{9, 1, 5}, 5},
		{[]int{4, 9, 1, 5}, 4},
	} {
		before := slices.Clone(tt.values)
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v: %d, want %d", tt.values, got, tt.want)
		}
		if !slices.Equal(before, tt.values) {
			t.Errorf("median changed %v to %v", before, tt.values)
		}
	}
}

func TestMedianTimeOfWhatDidNotEnd(t *testing.T) {
	for _, tt := range []struct {
		values []time.Duration
		want   time.Duration
	}{
		{[]time.Duration{Never}, Never},
		{[]time.Duration{3, Never}, 3},
		{[]time.Duration{Never, Never, 1}, Never},
		{[]time.Duration{Never, 9, 1}, 9},
		{[]time.Duration{2, 9, 1}, 2},
	} {
		if got := medianTime(tt.values); got != tt.want {
			t.Errorf("median of %d: %d, want %d", tt.values, got, tt.want)
		}
	}
}

func TestMerge(t *testing.T) {
	round := func(n int) Result {
		d := time.Duration(n)
		r := Requests{Done: n, Succeeded: n, Share: float64(n), P50: d, P95: d}
		return Result{Kind: "churn", Defence: "static", Rounds: 1, Calm: r, During: r, After: r, Recovery: d, Clean: d, FirstRule: d,
			CPU: CPU{float64(n), float64(n), float64(n), float64(n)}, Sent: float64(n), TrackedPeak: n, HeldPeak: n, HeldEnd: n}
	}
	want := round(2)
	want.Rounds = 3
	want.Left, want.Told, want.Blocks = "a table", []string{"churn"}, 7
	last := round(3)
	last.Left, last.Told, last.Blocks = "a table", []string{"churn"}, 7
	if diff := cmp.Diff(want, merge([]Result{round(1), round(2), last})); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	one := round(5)
	if diff := cmp.Diff(one, merge([]Result{one})); diff != "" {
		t.Errorf("one round, want - got +\n%s", diff)
	}
}
