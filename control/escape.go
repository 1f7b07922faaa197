package control

import "ebbgate/internal/escape"

// Escape makes text that strangers may have chosen safe to print on one line of a terminal.
func Escape(s string) string { return escape.Terminal(s) }

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
