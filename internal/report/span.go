package report

import (
	"time"

	"ebbgate/control"
)

// span is the time the plots show.
type span struct{ from, to time.Time }

// spanOf is from the beginning to the end of an attack, or to its newest sample while it is open: those are
// kept every few seconds only.
func spanOf(f *Facts, step time.Duration) span {
	list := f.Samples.Samples
	x := span{f.Attack.Since.Time, f.end()}
	if first := list[0].At.Time; first.Before(x.from) {
		x.from = first
	}
	switch last := list[len(list)-1].At; {
	case last.After(x.to):
		x.to = last.Time
	case f.Attack.Ended.IsZero() && x.to.Sub(last.Time) < unkept:
		x.to = last.Add(step)
	}
	if !x.to.After(x.from) {
		x.to = x.from.Add(time.Second)
	}
	return x
}

// place is where a time is, in percent.
func (x span) place(t time.Time) float64 {
	at := 100 * float64(t.Sub(x.from)) / float64(x.to.Sub(x.from))
	return min(max(at, 0), 100)
}

// unkept is how long the samples of an open attack may wait until they are kept, with some patience.
const unkept = 30 * time.Second

// hole is a time without samples.
type hole struct{ from, to time.Time }

// holes are the times within x of which there are no samples. Samples are due once in a step; a busy daemon
// may be late.
func holes(list []control.Sample, step time.Duration, x span) []hole {
	patience := 2*step + 3*time.Second
	var out []hole
	at := x.from
	for i := range list {
		if list[i].At.Sub(at) > patience {
			out = append(out, hole{at, list[i].At.Time})
		}
		at = list[i].At.Add(step)
	}
	if x.to.Sub(at) > patience {
		out = append(out, hole{at, x.to})
	}
	return out
}
