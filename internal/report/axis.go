package report

import (
	"math"
	"strconv"
	"time"
)

// tick is a mark on an axis: where, in percent of its length, and what it says.
type tick struct {
	At     string
	Anchor string // of the text, as SVG names it
	Text   string
}

// mostTicks is how many times fit below a plot on a phone.
const mostTicks = 4

var strides = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}

// stride is the time from one tick to the next.
func stride(span time.Duration) time.Duration {
	for _, s := range strides {
		if span/s <= mostTicks {
			return s
		}
	}
	day := 24 * time.Hour
	return (span/(mostTicks*day) + 1) * day
}

// times are the ticks of an axis of time, at round times of the day.
func (x span) times(c clock) []tick {
	step := stride(x.to.Sub(x.from))
	form := "15:04"
	switch {
	case step < time.Minute:
		form = "15:04:05"
	case step >= 6*time.Hour:
		form = "2 Jan 15:04"
	}
	_, zone := x.from.In(c.in).Zone()
	shift := time.Duration(zone) * time.Second
	var out []tick
	for t := x.from.Add(shift).Truncate(step).Add(-shift); !t.After(x.to); t = t.Add(step) {
		if at := x.place(t); !t.Before(x.from) {
			out = append(out, tick{percent(at), anchor(at), t.In(c.in).Format(form)})
		}
	}
	return out
}

// anchor keeps the text of a tick within the plot.
func anchor(at float64) string {
	switch {
	case at < 6:
		return "start"
	case at > 94:
		return "end"
	default:
		return "middle"
	}
}

// ceiling is the round number up to which an axis of figures goes, with some room above the most.
func ceiling(most int) int {
	if most < 4 {
		return 4
	}
	unit := math.Pow10(int(math.Log10(float64(most))))
	for _, f := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10, 12} {
		if n := int(math.Round(f * unit)); n*20 >= most*21 && n%2 == 0 {
			return n
		}
	}
	return 2 * most
}

func percent(at float64) string { return strconv.FormatFloat(at, 'f', 2, 64) + "%" }
