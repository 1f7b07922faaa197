package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// printer writes lines of a width and keeps the first error.
type printer struct {
	w     io.Writer
	width int
	err   error
}

func (p *printer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

// text writes words, broken into lines that fit.
func (p *printer) text(format string, args ...any) {
	line := ""
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width:
			p.line("%s", line)
			line = word
		default:
			line += " " + word
		}
	}
	p.line("%s", line)
}

// grid is a table whose columns are as wide as what is in them. Those whose head begins with ">"
// are aligned to the right. The last column takes what room is left; where there is none, it goes
// to a line of its own.
type grid struct {
	head []string
	rows [][]string
}

// leastLast is the least room worth giving to the last column.
const leastLast = 16

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// widths returns the widths of all columns.
func (g *grid) widths() []int {
	w := make([]int, len(g.head))
	for i, h := range g.head {
		w[i] = utf8.RuneCountInString(strings.TrimPrefix(h, ">"))
	}
	for _, row := range g.rows {
		for i, cell := range row {
			w[i] = max(w[i], utf8.RuneCountInString(cell))
		}
	}
	return w
}

// fits reports whether all columns but the last have room.
func (g *grid) fits(width int) bool {
	sum := 0
	widths := g.widths()
	for _, w := range widths[:len(widths)-1] {
		sum += w + 2
	}
	return sum-2 <= width
}

func (g *grid) write(p *printer) {
	widths := g.widths()
	last := len(widths) - 1
	room := p.width
	for _, w := range widths[:last] {
		room -= w + 2
	}
	own := room < min(leastLast, widths[last])
	head := make([]string, len(g.head))
	for i, h := range g.head {
		head[i] = strings.TrimPrefix(h, ">")
	}
	for i, row := range append([][]string{head}, g.rows...) {
		var b strings.Builder
		for j, cell := range row[:last] {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if strings.HasPrefix(g.head[j], ">") {
				cell, pad = pad+cell, ""
			}
			b.WriteString(cell + pad + "  ")
		}
		if !own {
			p.line("%s", strings.TrimRight(b.String()+shorten(row[last], room), " "))
			continue
		}
		p.line("%s", strings.TrimRight(b.String(), " "))
		if i > 0 && row[last] != "" {
			p.line("    %s", shorten(row[last], p.width-4))
		}
	}
}

// shorten cuts s to so many columns, with a mark if anything is lost.
func shorten(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}
