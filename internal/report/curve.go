package report

import (
	"fmt"
	"strings"
	"time"

	"ebbgate/control"
)

// The curves are drawn on a grid of this many units each way, which is stretched to the plot.
const grid = 1000

// curve draws a figure as steps: a sample holds until the next one, or where that is missing for one step.
// Line is its outline, and area what is below it.
func curve(list []control.Sample, step time.Duration, x span, gaps []hole, top int, figure func(*control.Sample) int) (line, area string) {
	var l, a strings.Builder
	begun := false
	for i := range list {
		from, to := list[i].At.Time, list[i].At.Add(step)
		if i+1 < len(list) {
			to = list[i+1].At.Time
		}
		broken := i+1 == len(list)
		for _, g := range gaps {
			if !from.After(g.from) && to.After(g.from) {
				to, broken = g.from, true
			}
		}
		left, right := units(x.place(from)), units(x.place(to))
		y := grid - min(max(figure(&list[i]), 0), top)*grid/top
		if begun {
			fmt.Fprintf(&l, "V%dH%d", y, right)
		} else {
			fmt.Fprintf(&l, "M%d %dH%d", left, y, right)
			fmt.Fprintf(&a, "M%d %d", left, grid)
		}
		fmt.Fprintf(&a, "V%dH%d", y, right)
		if begun = !broken; broken {
			fmt.Fprintf(&a, "V%dZ", grid)
		}
	}
	return l.String(), a.String()
}

func units(percent float64) int { return int(percent * grid / 100) }
