package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal makes text safe to print on one line of a terminal. What is not a printable character is
// written as \x1b or \u202e: control characters of both sets, line breaks, invisible and bidirectional
// format characters, combining marks (which can be piled up), and bytes that are not UTF-8. A backslash
// stays as it is, so the result is for reading, not for decoding, and to escape it again changes nothing.
func Terminal(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case isPrintable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// Lines is Terminal for text of several lines that are meant to be lines, such as an error that holds
// every problem of a file, or rules that are indented by tabs.
func Lines(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		text := strings.TrimSuffix(line, "\n")
		indent := len(text) - len(strings.TrimLeft(text, "\t"))
		b.WriteString(text[:indent] + Terminal(text[indent:]) + line[len(text):])
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isPrintable(r rune) bool { return unicode.IsPrint(r) && !unicode.Is(unicode.M, r) }
