package top

import (
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
)

func TestCompact(t *testing.T) {
	for _, tt := range []struct {
		n     float64
		width int
		want  string
	}{
		{0, 5, "0"}, {1204, 5, "1,204"}, {99_999, 6, "99,999"}, {99_999, 5, "100k"}, {1_234_567, 6, "1.23M"}, {1_234_567, 4, "1.2M"}, {1_234_567, 2, "1M"},
		{999_999, 4, "1.0M"}, {1e15, 4, "999T"}, {math.NaN(), 4, "-"}, {-3, 4, "0"}, {12_345, 1, "#"}, {math.Inf(1), 4, "999T"},
	} {
		if got := compact(tt.n, tt.width); got != tt.want {
			t.Errorf("compact(%g, %d) = %q, want %q", tt.n, tt.width, got, tt.want)
		}
	}
}

func FuzzCompact(f *testing.F) {
	f.Add(1234.5, 5)
	f.Fuzz(func(t *testing.T, n float64, width int) {
		if width < 1 || width > 20 {
			t.Skip()
		}
		if got := compact(n, width); len(got) > max(width, 1) {
			t.Errorf("compact(%g, %d) = %q is too wide", n, width, got)
		}
	})
}

func TestSparkAndBar(t *testing.T) {
	l := newLook(false, false)
	nan := math.NaN()
	for _, tt := range []struct {
		s     series
		width int
		want  string
	}{
		{nil, 3, "   "}, {series{0, 0}, 3, " ▁▁"}, {series{0, 4, 8}, 3, "▁▅█"}, {series{9, 0, 7}, 2, "▁█"}, {series{nan, 1}, 2, " █"}, {series{1}, 0, ""},
		{series{nan, nan}, 2, "  "}, {series{-1, 1}, 2, "▁█"},
	} {
		if got := l.spark(tt.s, tt.width); got != tt.want {
			t.Errorf("spark(%v, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
	for _, tt := range []struct {
		part, whole, width int
		want               string
	}{{0, 10, 4, "░░░░"}, {1, 1000, 4, "█░░░"}, {5, 10, 4, "██░░"}, {99, 10, 4, "████"}, {5, 0, 3, "   "}, {5, 10, 0, ""}, {-5, 10, 2, "░░"}} {
		if got := l.bar(tt.part, tt.whole, tt.width); got != tt.want {
			t.Errorf("bar(%d, %d, %d) = %q, want %q", tt.part, tt.whole, tt.width, got, tt.want)
		}
	}
}

func TestWrapAndFlow(t *testing.T) {
	l := newLook(false, false)
	for _, tt := range []struct {
		text                string
		width, indent, most int
		want                []string
	}{
		{"one two three", 20, 0, 3, []string{"one two three"}}, {"one two three", 7, 0, 3, []string{"one two", "three"}},
		{"one two three", 7, 2, 3, []string{"one two", "  three"}}, {"one two three", 5, 0, 2, []string{"one", "two …"}},
		{"abcdefgh", 3, 0, 4, []string{"abc", "def", "gh"}}, {"日本語", 4, 0, 2, []string{"日本", "語"}}, {"", 5, 0, 2, nil}, {"x", 5, 0, 0, nil}, {"日", 1, 0, 2, nil},
	} {
		if diff := cmp.Diff(tt.want, l.wrap(tt.text, tt.width, tt.indent, tt.most)); diff != "" {
			t.Errorf("wrap(%q, %d, %d, %d): -want +got:\n%s", tt.text, tt.width, tt.indent, tt.most, diff)
		}
	}
	if diff := cmp.Diff([]string{"aa  bb", "cc  d…"}, l.flow([]string{"aa", "bb", "cc", "dddd"}, 6, 2)); diff != "" {
		t.Errorf("flow: -want +got:\n%s", diff)
	}
}

// FuzzWrap: whatever the text, no line is too long and there are not too many.
func FuzzWrap(f *testing.F) {
	f.Add("somebody holds more connections", 10, 2, 3)
	l := newLook(false, false)
	f.Fuzz(func(t *testing.T, text string, width, indent, most int) {
		if width < 0 || width > 300 || indent < 0 || indent > 300 || most > 50 {
			t.Skip()
		}
		lines := l.wrap(control.Escape(text), width, indent, most)
		if len(lines) > max(most, 0) {
			t.Errorf("%d lines, want at most %d", len(lines), most)
		}
		for _, line := range lines {
			if n := ansi.StringWidth(line); n > width || strings.Contains(line, "\n") {
				t.Errorf("%d columns of %d: %q", n, width, line)
			}
		}
	})
}

func TestServed(t *testing.T) {
	listener := func(queue, backlog uint32) control.Listener { return control.Listener{Queue: queue, Backlog: backlog} }
	for name, tt := range map[string]struct {
		s    control.Service
		want string
	}{
		"no listener":   {control.Service{}, "?"},
		"empty queue":   {control.Service{Listeners: []control.Listener{listener(0, 0)}}, "yes"},
		"half":          {control.Service{Listeners: []control.Listener{listener(64, 128)}}, "waits"},
		"just full":     {control.Service{Listeners: []control.Listener{listener(128, 128)}}, "waits"},
		"over full":     {control.Service{Listeners: []control.Listener{listener(129, 128)}}, "NO"},
		"one of two":    {control.Service{Listeners: []control.Listener{listener(129, 128), listener(0, 128)}}, "PARTLY"},
		"at capacity":   {control.Service{Capacity: 5, Held: 5, Listeners: []control.Listener{listener(0, 128)}}, "FULL"},
		"over and full": {control.Service{Capacity: 5, Held: 6, Listeners: []control.Listener{listener(129, 128)}}, "NO"},
	} {
		if got := served(&tt.s); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestFilterNarrows(t *testing.T) {
	s := attacked()
	for text, want := range map[filter]control.SourcesRequest{
		"":                        {},
		"WEB":                     {Service: "web"},
		"we":                      {},
		"refused web":             {Service: "web", State: control.SourceRefused},
		"203.0.113.7":             {Within: from("203.0.113.7/32")},
		"203.0.113.":              {},
		"203.0.113.0/24":          {Within: from("203.0.113.0/24")},
		"2001:db8:bad:cafe::1":    {Within: from("2001:db8:bad:cafe::/64")},
		"2001:db8::/32 exempt":    {Within: from("2001:db8::/32"), State: control.SourceExempt},
		"2001:db8:bad:cafe::7/64": {},
	} {
		if got := text.narrow(s); got != want {
			t.Errorf("%q asks for %+v, want %+v", text, got, want)
		}
	}
	r := row{source: from("2001:db8:bad:cafe::/64"), words: "web refused"}
	for text, want := range map[filter]bool{"": true, "2001:db8:bad": true, "2001:db8:bad:cafe::9": true, "2001:db8::/32 web": true, "web free": false, "203.": false, "198.51.100.0/24": false} {
		if got := text.matches(&r); got != want {
			t.Errorf("%q matches: %t, want %t", text, got, want)
		}
	}
	if f := filter("").typed([]rune(strings.Repeat("x", 99))); len(f) != longestFilter {
		t.Errorf("%d characters can be typed, want %d", len(f), longestFilter)
	}
}
