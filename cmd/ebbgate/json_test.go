package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestJSONLineIsHarmless writes what a stranger has named on one line that a terminal can show, and that is
// read as it was.
func TestJSONLineIsHarmless(t *testing.T) {
	for _, text := range []string{"plain", "\u009b31mred", "gone\x7f", hostileName[:len(hostileName)-6], "a\nb\u2028c"} {
		var b strings.Builder
		if err := writeJSONLine(&b, map[string]string{"why": text}); err != nil {
			t.Fatal(err)
		}
		line, isLine := strings.CutSuffix(b.String(), "\n")
		harmless(t, "line", line)
		var got struct{ Why string }
		if err := json.Unmarshal([]byte(line), &got); err != nil || !isLine || strings.Contains(line, "\n") || got.Why != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("%q is written as %q and read as %q (%v)", text, line, got.Why, err)
		}
	}
	var exit *exitError
	if err := writeJSONLine(&strings.Builder{}, func() {}); !errors.As(err, &exit) || exit.status != exitRuntime {
		t.Errorf("a value that is none of JSON: %v", err)
	}
	if err := writeJSONLine(deaf{}, 1); !errors.Is(err, errDeaf) {
		t.Errorf("an output that takes nothing: %v", err)
	}
}

var errDeaf = errors.New("deaf")

// deaf takes nothing.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errDeaf }
