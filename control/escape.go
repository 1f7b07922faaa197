package control

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text that strangers may have chosen safe to print on one line of a terminal. What
// is not a printable character is written as \x1b or \u202e: control characters of both sets,
// line breaks, invisible and bidirectional format characters, combining marks (which can be piled
// up), and bytes that are not UTF-8. A backslash stays as it is, so the result is for reading, not
// for decoding.
func Escape(s string) string {
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

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isPrintable(r rune) bool { return unicode.IsPrint(r) && !unicode.Is(unicode.M, r) }

// columns returns how many columns of a terminal an escaped text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is 2 for the blocks of wide East Asian characters and emoji (Unicode Standard Annex
// 11). It errs towards 2, which wraps a line too early rather than too late.
func runeColumns(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x11ff, r >= 0x231a && r <= 0x2bff, r >= 0x2e80 && r <= 0xa4cf, r >= 0xa960 && r <= 0xa97f,
		r >= 0xac00 && r <= 0xd7ff, r >= 0xf900 && r <= 0xfaff, r >= 0xfe10 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xffe6, r >= 0x16fe0:
		return 2
	default:
		return 1
	}
}
