package control

import (
	"fmt"
	"io"
	"strings"
)

// style is how a line stands out on a terminal: a parameter of SGR (ECMA-48).
type style string

const (
	plain  style = ""
	alarm  style = "1;31" // bold red
	care   style = "1;33" // bold yellow
	calm   style = "1;32" // bold green
	subtle style = "2"
)

// page collects lines no wider than its width.
type page struct {
	b     strings.Builder
	width int
	color bool
}

// newPage returns an empty page.
func newPage(o TextOptions) *page {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	return &page{width: max(o.Width, minWidth), color: o.Color}
}

// send writes the page, which tells what.
func (p *page) send(w io.Writer, what string) error {
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// put writes text, which must be escaped already, as a paragraph: what does not fit goes on in
// lines of hang spaces, broken at a space where there is one.
func (p *page) put(st style, hang int, text string) {
	room := p.width
	indent := ""
	for {
		line, rest := breakAt(text, room)
		p.line(st, indent+strings.TrimRight(line, " "))
		rest = strings.TrimLeft(rest, " ")
		if rest == "" {
			return
		}
		indent = strings.Repeat(" ", hang)
		room = p.width - hang
		text = rest
	}
}

func (p *page) line(st style, text string) {
	if p.color && st != plain {
		text = "\x1b[" + string(st) + "m" + text + "\x1b[0m"
	}
	p.b.WriteString(text)
	p.b.WriteByte('\n')
}

// breakAt splits text so that its first part takes at most room columns. Spaces that begin text
// are its indentation and no place to break.
func breakAt(text string, room int) (line, rest string) {
	used, space, inside := 0, -1, false
	for i, r := range text {
		if r == ' ' && inside {
			space = i
		}
		inside = inside || r != ' '
		used += runeColumns(r)
		if used <= room {
			continue
		}
		switch {
		case space >= 0:
			return text[:space], text[space:]
		case i == 0: // a wide character in a single column: there is no narrower line
			continue
		default:
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// pad fills text with spaces up to width columns, before it when right is set.
func pad(text string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-columns(text)))
	if right {
		return fill + text
	}
	return text + fill
}

// Fold breaks the lines of an escaped text that have more columns at spaces; what goes on is indented by two more
// than its line.
func Fold(text string, width int) string {
	p := newPage(TextOptions{Width: width})
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		p.put(plain, len(line)-len(strings.TrimLeft(line, " "))+2, line)
	}
	return p.b.String()
}
