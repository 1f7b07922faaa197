package process

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable replaces every byte that is not text, and every rune that is not printable, by "?", so
// that a process cannot write escape sequences to a terminal by the name it gives itself.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
