package control

import (
	"slices"
	"strings"
)

// widestText is how wide a column of text may be where a table does not fit otherwise. A longer cell moves
// the rest of its row to the right.
const widestText = 24

// table writes rows so many spaces from the left, the first of which is the heading. The columns listed are
// numbers and end at the right; the last column may wrap.
func (p *page) table(indent int, rows [][]string, numbers ...int) {
	p.styled(indent, rows, []style{subtle}, numbers...)
}

// styled is table with a style for each row; those that have none are plain.
func (p *page) styled(indent int, rows [][]string, styles []style, numbers ...int) {
	widths := p.widths(indent, rows, numbers)
	for n, row := range rows {
		st := plain
		if n < len(styles) {
			st = styles[n]
		}
		p.row(st, indent, row, widths, numbers)
	}
}

// widths returns how wide each column but the last one is.
func (p *page) widths(indent int, rows [][]string, numbers []int) []int {
	widths := make([]int, len(rows[0]))
	fits := p.fits(indent, rows)
	for i := range widths {
		widths[i] = widest(rows, i)
		if !fits && !slices.Contains(numbers, i) {
			widths[i] = min(widths[i], widestText)
		}
	}
	return widths[:len(widths)-1]
}

// row writes one row. Where its last cell does not fit behind the others, but would fit on a line of its
// own, it gets one.
func (p *page) row(st style, indent int, row []string, widths, numbers []int) {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent))
	for i, cell := range row[:len(widths)] {
		b.WriteString(pad(cell, widths[i], slices.Contains(numbers, i)))
		b.WriteString("  ")
	}
	last := row[len(row)-1]
	if columns(b.String())+columns(last) > p.width && indent+4+columns(last) <= p.width {
		p.put(st, indent+4, strings.TrimRight(b.String(), " "))
		p.put(st, indent+4, strings.Repeat(" ", indent+4)+last)
		return
	}
	p.put(st, indent+4, b.String()+last)
}
