package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// fit makes text exactly so many columns: what is longer is cut, and says so by its last column.
func (l *look) fit(text string, width int, right bool) string {
	n := ansi.StringWidth(text)
	if n > width {
		text = l.clip(text, width)
		n = ansi.StringWidth(text)
	}
	gap := strings.Repeat(" ", max(0, width-n))
	if right {
		return gap + text
	}
	return text + gap
}

// clip cuts text to so many columns, styles kept.
func (l *look) clip(text string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(text, width, l.cut)
}

// wrap breaks text into at most so many lines; the last says by its end that there is more. Lines after
// the first are indented.
func (l *look) wrap(text string, width, indent, most int) []string {
	if most <= 0 || width <= indent {
		return nil
	}
	var lines []string
	for rest := text; rest != ""; {
		room, lead := width, ""
		if len(lines) > 0 {
			room, lead = width-indent, strings.Repeat(" ", indent)
		}
		if len(lines) == most-1 || ansi.StringWidth(rest) <= room {
			return append(lines, lead+l.clip(rest, room))
		}
		head := ansi.Truncate(rest, room+1, "")
		if space := strings.LastIndexByte(head, ' '); space > 0 {
			head = head[:space]
		} else {
			head = ansi.Truncate(rest, room, "")
		}
		if head == "" {
			return lines
		}
		lines = append(lines, lead+head)
		rest = strings.TrimLeft(rest[len(head):], " ")
	}
	return lines
}

// flow joins parts to lines, at most so many, and never breaks one; the last line is cut if need be.
func (l *look) flow(parts []string, width, most int) []string {
	const between = "  "
	var lines []string
	for _, p := range parts {
		if n := len(lines); n > 0 && (n == most || ansi.StringWidth(lines[n-1])+len(between)+ansi.StringWidth(p) <= width) {
			lines[n-1] += between + p
			continue
		}
		lines = append(lines, p)
	}
	for i := range lines {
		lines[i] = l.clip(lines[i], width)
	}
	return lines
}
