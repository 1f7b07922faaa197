package screen

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/hinshun/vt10x"

	"ebbgate/internal/escape"
)

// The picture's cells in pixels, and its margin.
const (
	cellWidth, cellHeight = 8.4, 17
	margin                = 14
)

// The colours of the picture: the sixteen of the terminal, and those of text and ground.
var basic = [16]string{"#1b2530", "#f0705f", "#5cc58b", "#e3b341", "#6ca8f0", "#c792ea", "#56c2d6", "#c9d3de",
	"#6d7c8c", "#ff8a7d", "#7ddfa8", "#f5cc6a", "#8fc0ff", "#d9b0f5", "#7bdcec", "#ffffff"}

const ink, ground = "#dbe3ec", "#121920"

// The emulator does not export the bits of a cell's mode.
const bold = 1 << 2

// SVG draws what the screen shows, without the empty lines below it. It needs no font but a monospaced one.
func (s *Screen) SVG() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	columns, rows := s.vt.Size()
	for rows > 1 && strings.TrimSpace(s.line(rows-1, columns)) == "" {
		rows--
	}
	var b strings.Builder
	width, height := float64(columns)*cellWidth+2*margin, rows*cellHeight+2*margin
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %d\" width=\"%.0f\" height=\"%d\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n", width, height, width, height)
	fmt.Fprintf(&b, "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"%s\"/>\n", ground)
	for y := range rows {
		for x := 0; x < columns; {
			x = s.run(&b, x, y, columns)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (s *Screen) line(y, columns int) string {
	var b strings.Builder
	for x := range columns {
		b.WriteRune(s.vt.Cell(x, y).Char)
	}
	return b.String()
}

// run draws the cells from x on that look alike, and returns where the next ones begin.
func (s *Screen) run(b *strings.Builder, x, y, columns int) int {
	first, from := s.vt.Cell(x, y), x
	var text strings.Builder
	for x < columns {
		c := s.vt.Cell(x, y)
		if c.FG != first.FG || c.BG != first.BG || c.Mode != first.Mode {
			break
		}
		text.WriteRune(c.Char)
		x++
	}
	left, top := margin+float64(from)*cellWidth, margin+y*cellHeight
	if fill := colour(first.BG); fill != ground {
		fmt.Fprintf(b, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", left, top, float64(x-from)*cellWidth, cellHeight, fill)
	}
	shown := strings.TrimRight(text.String(), " ")
	if shown == "" {
		return x
	}
	n := len([]rune(shown))
	weight := ""
	if first.Mode&bold != 0 {
		weight = " font-weight=\"bold\""
	}
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" fill=\"%s\"%s textLength=\"%.1f\" xml:space=\"preserve\">", left, top+13, colour(first.FG), weight, float64(n)*cellWidth)
	_ = xml.EscapeText(b, []byte(escape.Terminal(shown))) // a Builder takes everything
	b.WriteString("</text>\n")
	return x
}

// colour is a colour of the emulator as SVG writes it: one of the 256 of a terminal, or of the 16 million.
func colour(c vt10x.Color) string {
	switch {
	case c == vt10x.DefaultFG:
		return ink
	case c == vt10x.DefaultBG:
		return ground
	case c < 16:
		return basic[c]
	case c >= 232 && c < 256:
		v := 8 + 10*(c-232)
		return fmt.Sprintf("#%02x%02x%02x", v, v, v)
	case c < 232:
		level := func(n vt10x.Color) vt10x.Color {
			if n == 0 {
				return 0
			}
			return 55 + 40*n
		}
		c -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(c/36), level(c/6%6), level(c%6))
	default:
		return fmt.Sprintf("#%06x", uint32(c)&0xffffff)
	}
}
