package escape

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON rewrites JSON text so that it can be shown on a terminal. Its value stays the same: encoding/json
// escapes the ASCII control characters, but not DEL, those of the second set (U+009B begins a control
// sequence) and not what turns the direction of writing, which become \u009b here.
func JSON(text []byte) []byte {
	var out []byte // nil as long as nothing had to change
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		if r == '\n' || r == '\t' || r == '\r' || unicode.IsPrint(r) {
			if out != nil {
				out = append(out, text[i:i+n]...)
			}
			i += n
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(text)+16), text[:i]...)
		}
		if first, second := utf16.EncodeRune(r); first != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, first, second)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	if out == nil {
		return text
	}
	return out
}
