package top

import (
	"math"
	"strconv"
	"strings"

	"ebbgate/control"
)

// compact writes a count in at most width columns, if need be in thousands, millions and so on.
func compact(n float64, width int) string {
	if math.IsNaN(n) {
		return "-"
	}
	n = math.Round(min(max(n, 0), 999e12))
	if text := control.Number(int(n)); len(text) <= width {
		return text
	}
	for _, unit := range []string{"k", "M", "G", "T"} {
		n /= 1000
		for digits := 2; digits >= 0; digits-- {
			if text := strconv.FormatFloat(n, 'f', digits, 64) + unit; len(text) <= width && n < 1000 {
				return text
			}
		}
	}
	return strings.Repeat("#", width)
}

// spark draws the newest values as a graph of so many columns, scaled to the largest of them. The newest is
// at the right; what was not counted is blank.
func (l *look) spark(s series, width int) string {
	if width <= 0 {
		return ""
	}
	shown := s[max(0, len(s)-width):]
	most := 0.0
	for _, v := range shown {
		if v > most {
			most = v
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", width-len(shown)))
	for _, v := range shown {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case most == 0:
			b.WriteRune(l.levels[0])
		default:
			b.WriteRune(l.levels[int(math.Round(max(v, 0)/most*float64(len(l.levels)-1)))])
		}
	}
	return b.String()
}

// peak is the largest value; not a number if there is none.
func peak(s series) float64 {
	most := math.NaN()
	for _, v := range s {
		if !math.IsNaN(v) && (math.IsNaN(most) || v > most) {
			most = v
		}
	}
	return most
}

// bar fills width columns in proportion. More than all is all, and the least something is one column.
func (l *look) bar(part, whole, width int) string {
	if whole <= 0 || width <= 0 {
		return strings.Repeat(" ", max(width, 0))
	}
	full := min(max(part, 0), whole) * width / whole
	if part > 0 {
		full = max(full, 1)
	}
	return strings.Repeat(l.full, full) + strings.Repeat(l.empty, width-full)
}
