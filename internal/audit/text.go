package audit

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Style says how text is written.
type Style struct {
	Width  int  // columns, at least 40
	Colour bool // ANSI colours for severities
	Brief  bool // only the first line of each finding, cut to Width
	All    bool // those that are ok are listed too
}

// indent is where the text of a finding begins: after the longest severity.
const indent = 10

// colours are SGR sequences (ECMA-48) by severity; an empty one leaves the text plain.
var colours = [...]string{OK: "\x1b[32m", Unknown: "", Advice: "\x1b[36m", Warning: "\x1b[33m", Critical: "\x1b[1;31m"}

// Text writes the report for people: a line for each finding and, unless Brief, why, where and how
// to check below it; then the sum. No line is longer than s.Width.
func (r *Report) Text(s Style) string {
	s.Width = max(s.Width, 40)
	var b strings.Builder
	for i := range r.Findings {
		if i > 0 && !s.Brief {
			b.WriteByte('\n')
		}
		r.Findings[i].text(&b, s)
	}
	if len(r.Findings) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(wrap(r.sum(s), "", "", s.Width))
	return b.String()
}

func (f *Finding) text(b *strings.Builder, s Style) {
	severity := fmt.Sprintf("%-*s", indent, f.Severity)
	head := f.Subject + ": " + f.Found
	if f.Advised != "" {
		head += "; advised: " + f.Advised
	}
	if s.Brief {
		head = cut(severity+head, s.Width) + "\n"
	} else {
		head = wrap(head+"  ["+f.ID+"]", severity, blanks(indent), s.Width)
	}
	if c := colours[f.Severity]; s.Colour && c != "" {
		name := f.Severity.String()
		head = c + name + "\x1b[0m" + head[len(name):]
	}
	b.WriteString(head)
	if s.Brief {
		return
	}
	for _, part := range [...]struct{ name, text string }{{"why", f.Why}, {"where", f.Where}, {"check", f.Verify}, {"expect", f.Expect}} {
		if part.text != "" {
			b.WriteString(wrap(part.text, fmt.Sprintf("%s%-6s ", blanks(indent), part.name), blanks(indent+7), s.Width))
		}
	}
}

// sum is the last line.
func (r *Report) sum(s Style) string {
	var parts []string
	for i := len(severityNames) - 1; i > int(OK); i-- {
		if n := r.Counts[severityNames[i]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severityNames[i]))
		}
	}
	text := "Nothing to change"
	if len(parts) > 0 {
		text = strings.Join(parts, ", ")
	}
	text += fmt.Sprintf("; %d fine", r.Counts[OK.String()])
	if !s.All && r.Counts[OK.String()] > 0 {
		text += " (--all lists them)"
	}
	return text + "."
}

// wrap breaks text at spaces, and within a word that is longer than a line. The first line begins
// with first, the others with rest, both of the same width; every line ends with a newline.
func wrap(text, first, rest string, width int) string {
	var b strings.Builder
	line, prefix := first, first
	for _, word := range words(text, width-utf8.RuneCountInString(rest)) {
		switch {
		case line == prefix:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			b.WriteString(line + "\n")
			prefix = rest
			line = rest + word
		}
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return b.String()
}

// words returns the words of text, those longer than most in pieces.
func words(text string, most int) []string {
	var out []string
	for word := range strings.FieldsSeq(text) {
		for utf8.RuneCountInString(word) > most {
			head := string([]rune(word)[:most])
			out = append(out, head)
			word = word[len(head):]
		}
		out = append(out, word)
	}
	return out
}

// cut shortens text to so many columns.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-3]) + "..."
}

func blanks(n int) string { return strings.Repeat(" ", n) }
