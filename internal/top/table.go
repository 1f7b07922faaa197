package top

import (
	"cmp"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// column is one column of a table.
type column struct {
	head  string
	width int  // at least
	grow  int  // at most; 0: as wide as width
	whole bool // what is cut is worth nothing: it is as wide as its longest text, up to grow
	right bool // figures end at the right
	rank  int  // the lower, the longer it stays in a narrow window; 0: always
}

// cell is what a row shows in a column, escaped.
type cell struct {
	text  string
	style *lipgloss.Style        // nil: plain
	draw  func(width int) string // in place of the text, where it depends on the column; nil: the text
}

// lead is what stands before each row: the mark of the chosen one.
const lead = 2

// layout returns the columns that fit, in their order, with their widths. Width that is left over goes to
// those that grow, from the left.
func layout(all []column, width int) (kept []int, widths []int) {
	byRank := make([]int, len(all))
	for i := range all {
		byRank[i] = i
	}
	slices.SortStableFunc(byRank, func(a, b int) int { return cmp.Compare(all[a].rank, all[b].rank) })
	room := width - lead
	for _, i := range byRank {
		need := all[i].width
		if len(kept) > 0 {
			need++
		}
		if need > room {
			if all[i].rank == 0 {
				continue
			}
			break
		}
		kept, room = append(kept, i), room-need
	}
	slices.Sort(kept)
	for _, i := range kept {
		w := all[i].width
		if more := min(all[i].grow-w, room); more > 0 {
			w, room = w+more, room-more
		}
		widths = append(widths, w)
	}
	return kept, widths
}

// asWide returns the columns with those that must be whole as wide as the rows need.
func asWide(columns []column, rows []row) []column {
	columns = slices.Clone(columns)
	for i := range columns {
		c := &columns[i]
		if !c.whole {
			continue
		}
		for n := range rows {
			c.width = max(c.width, min(ansi.StringWidth(rows[n].cells[i].text), c.grow))
		}
		c.grow = c.width
	}
	return columns
}

// table draws the heading and the rows from the first one shown, in height lines.
func (l *look) table(columns []column, rows []row, first, chosen, width, height int) []string {
	columns = asWide(columns, rows)
	kept, widths := layout(columns, width)
	heading := make([]string, len(kept))
	for n, i := range kept {
		heading[n] = l.fit(columns[i].head, widths[n], columns[i].right)
	}
	lines := []string{l.subtle.Render(strings.Repeat(" ", lead) + strings.Join(heading, " "))}
	for i := first; i < len(rows) && len(lines) < height; i++ {
		lines = append(lines, l.row(columns, kept, widths, &rows[i], i == chosen, width))
	}
	return lines
}

// row draws one row. The chosen one is reversed as a whole and has a mark, so cells have no style of their
// own there.
func (l *look) row(columns []column, kept, widths []int, r *row, chosen bool, width int) string {
	texts := make([]string, len(kept))
	for n, i := range kept {
		c := r.cells[i]
		text := c.text
		if c.draw != nil {
			text = c.draw(widths[n])
		}
		text = l.fit(text, widths[n], columns[i].right)
		if c.style != nil && !chosen {
			text = c.style.Render(text)
		}
		texts[n] = text
	}
	line := strings.Join(texts, " ")
	if chosen {
		return l.chosen.Render(l.fit(l.mark+" "+line, width, false))
	}
	return strings.Repeat(" ", lead) + line
}
