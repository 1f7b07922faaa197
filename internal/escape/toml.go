package escape

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// TOML writes s as a basic string of TOML 1.0, with its quotes, on one line: every TOML reader gets s back,
// except that bytes which are not UTF-8, which TOML cannot hold, become U+FFFD. What does not print is
// written as \u001b, so that the file can be shown on a terminal.
func TOML(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError:
			b.WriteString(`\uFFFD`)
		case isPrintable(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Columns is how wide a comment may become, its indent and number sign included.
const Columns = 100

// Comment writes text as comment lines of a TOML file that fit into Columns, each with its line end. No
// character of text can end a comment or reach the terminal as a control: it passes Terminal first. Words
// that do not fit on a line are broken.
func Comment(indent, text string) string {
	var b strings.Builder
	start := indent + "#"
	line := start
	flush := func() {
		b.WriteString(line + "\n")
		line = start
	}
	for _, word := range strings.Fields(Terminal(text)) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > Columns && line != start {
			flush()
		}
		runes := []rune(word)
		for room := max(Columns-utf8.RuneCountInString(line)-1, 1); len(runes) > room; room = max(Columns-len(start)-1, 1) {
			line += " " + string(runes[:room])
			runes = runes[room:]
			flush()
		}
		line += " " + string(runes)
	}
	flush()
	return b.String()
}
