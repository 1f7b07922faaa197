package compare

import (
	"cmp"
	"slices"
	"time"
)

// median returns the middle one of the values, the lower one of two, and the zero value of none.
func median[T cmp.Ordered](values []T) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// medianTime is median, with what never ended behind everything that did.
func medianTime(values []time.Duration) time.Duration {
	var ended []time.Duration
	for _, v := range values {
		if v != Never {
			ended = append(ended, v)
		}
	}
	if len(ended) == 0 || (len(values)-1)/2 >= len(ended) {
		return Never
	}
	return slices.Sorted(slices.Values(ended))[(len(values)-1)/2]
}

// merge returns the medians of one cell's results, each figure by itself. What is no figure is the last
// round's.
func merge(rounds []Result) Result {
	last := rounds[len(rounds)-1]
	last.Rounds = len(rounds)
	number := func(of func(*Result) float64) float64 { return median(collect(rounds, of)) }
	count := func(of func(*Result) int) int { return median(collect(rounds, of)) }
	took := func(of func(*Result) time.Duration) time.Duration { return medianTime(collect(rounds, of)) }
	for _, at := range []func(*Result) *Requests{
		func(r *Result) *Requests { return &r.Calm },
		func(r *Result) *Requests { return &r.During },
		func(r *Result) *Requests { return &r.After },
	} {
		*at(&last) = Requests{
			Done:      count(func(r *Result) int { return at(r).Done }),
			Succeeded: count(func(r *Result) int { return at(r).Succeeded }),
			Share:     number(func(r *Result) float64 { return at(r).Share }),
			P50:       took(func(r *Result) time.Duration { return at(r).P50 }),
			P95:       took(func(r *Result) time.Duration { return at(r).P95 }),
		}
	}
	last.Recovery = took(func(r *Result) time.Duration { return r.Recovery })
	last.Clean = took(func(r *Result) time.Duration { return r.Clean })
	last.FirstRule = took(func(r *Result) time.Duration { return r.FirstRule })
	last.CPU = CPU{
		Server:  number(func(r *Result) float64 { return r.CPU.Server }),
		Network: number(func(r *Result) float64 { return r.CPU.Network }),
		Ebbgate: number(func(r *Result) float64 { return r.CPU.Ebbgate }),
		Machine: number(func(r *Result) float64 { return r.CPU.Machine }),
	}
	last.Sent = number(func(r *Result) float64 { return r.Sent })
	last.TrackedPeak = count(func(r *Result) int { return r.TrackedPeak })
	last.HeldPeak = count(func(r *Result) int { return r.HeldPeak })
	last.HeldEnd = count(func(r *Result) int { return r.HeldEnd })
	return last
}

func collect[T any](rounds []Result, of func(*Result) T) []T {
	var out []T
	for i := range rounds {
		out = append(out, of(&rounds[i]))
	}
	return out
}
