package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ebbgate/control"
)

// plot is one drawing: curves over time, with the answers as upright lines.
type plot struct {
	ID, Title, Says string
	Series          []series
	Levels          []level // of the axis of figures, and the limits of the policy
	Times           []tick
	Marks           []mark
	Gaps            []gap
}

// series is one curve. Its class gives the colour and the dashes.
type series struct{ Class, Name, Line, Area string }

// level is a horizontal line. Limit is one of the policy.
type level struct {
	Y     string // in percent from above
	Text  string
	Limit bool
}

// mark is an answer on the axis of time; its number is left out where there is no room for it.
type mark struct{ Class, X, Number, What string }

// gap is a time without samples.
type gap struct{ X, Width string }

// drawing is what one plot is to show.
type drawing struct {
	title, says string
	figures     []drawn
	limit       int // a level of the policy; 0: none
	limitName   string
}

type drawn struct {
	name string
	of   func(*control.Sample) int
}

// most is the largest of a figure.
func most(list []control.Sample, of func(*control.Sample) int) int {
	m := 0
	for i := range list {
		m = max(m, of(&list[i]))
	}
	return m
}

// apart is how far from each other numbers of marks must be, in percent, to be told apart on a phone.
const apart = 5

func marks(x span, all []entry) []mark {
	var out []mark
	last := -1.0 * apart
	for i := range all {
		at := x.place(all[i].At)
		m := mark{Class: all[i].Class, X: percent(at), What: strconv.Itoa(all[i].Mark) + ": " + all[i].What}
		if at-last >= apart {
			m.Number, last = strconv.Itoa(all[i].Mark), at
		}
		out = append(out, m)
	}
	return out
}

// plot draws one.
func (d *drawing) plot(n int, list []control.Sample, step time.Duration, x span, gaps []hole) plot {
	top := d.limit
	for _, f := range d.figures {
		top = max(top, most(list, f.of))
	}
	top = ceiling(top)
	p := plot{ID: "plot" + strconv.Itoa(n), Title: d.title, Says: d.says}
	for i, f := range d.figures {
		s := series{Class: "s" + strconv.Itoa(i+1), Name: f.name}
		s.Line, s.Area = curve(list, step, x, gaps, top, f.of)
		p.Series = append(p.Series, s)
	}
	for _, v := range []int{top, top / 2, 0} {
		p.Levels = append(p.Levels, level{Y: height(v, top), Text: control.Number(v)})
	}
	if d.limit > 0 {
		p.Levels = append(p.Levels, level{height(d.limit, top), d.limitName + " " + control.Number(d.limit), true})
	}
	for _, g := range gaps {
		p.Gaps = append(p.Gaps, gap{percent(x.place(g.from)), percent(x.place(g.to) - x.place(g.from))})
	}
	return p
}

// hatch is what fills a gap: lines on a ground of 600 by 150.
func hatch() string {
	var b strings.Builder
	for x := -150; x < 600; x += 12 {
		fmt.Fprintf(&b, "M%d 150l150 -150", x)
	}
	return b.String()
}

func height(v, top int) string { return percent(100 - 100*float64(v)/float64(top)) }
