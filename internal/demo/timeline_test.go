package demo

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// update rewrites the golden files. Commit a rewrite only when every changed line is wanted.
var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// playedTimeline is a short play as it is shown.
func playedTimeline(o Options) string {
	var out strings.Builder
	o.Out = &out
	started := time.Date(2026, 3, 14, 3, 2, 10, 0, time.UTC)
	line := newTimeline(o, connectionFlood(), started)
	line.header()
	add := func(after time.Duration, served, held, limits int) {
		line.add(sample{at: started.Add(after), served: served, load: held, limits: limits})
	}
	add(500*time.Millisecond, 50, 0, 0)
	line.say("a flood begins")
	add(time.Second, 24, 1799, 0)
	add(1500*time.Millisecond, 0, 2000, 0)
	line.say("ebbgate starts")
	line.say("first rule in the kernel 0.21 s after onset")
	add(2*time.Second, 3, 1800, 9)
	add(2500*time.Millisecond, 25, 901, 9)
	add(99900*time.Millisecond, 58, 2511, 1204) // more than full, both
	add(100*time.Second, 1, 1, 0)
	return out.String()
}

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
	}{
		{"plain.txt", Options{}},
		{"terminal.txt", Options{Live: true, Color: true}},
		{"terminal-without-colour.txt", Options{Live: true}},
	} {
		t.Run(c.name, func(t *testing.T) { golden(t, c.name, playedTimeline(c.options)) })
	}
}

var colourCodes = regexp.MustCompile("\x1b\\[[0-9]+m")

func TestTimelineFitsATerminal(t *testing.T) {
	coloured := playedTimeline(Options{Live: true, Color: true})
	bare := colourCodes.ReplaceAllString(coloured, "")
	if bare != playedTimeline(Options{Live: true}) {
		t.Error("colour changes more than the colour")
	}
	for line := range strings.Lines(bare) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("%d columns: %q", n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("spaces at the end: %q", line)
		}
		if strings.ContainsRune(line, '\x1b') {
			t.Errorf("an escape sequence is left: %q", line)
		}
	}
	for _, r := range playedTimeline(Options{}) {
		if r > 126 || r < ' ' && r != '\n' {
			t.Fatalf("%q in the plain form", r)
		}
	}
}

func TestTimelineEndsWhatItColours(t *testing.T) {
	text := playedTimeline(Options{Live: true, Color: true})
	for line := range strings.Lines(text) {
		codes := colourCodes.FindAllString(line, -1)
		for i, code := range codes {
			if (i%2 == 1) != (code == plain) {
				t.Errorf("codes %q in %q", codes, line)
			}
		}
		if len(codes)%2 != 0 {
			t.Errorf("colour runs on after %q", line)
		}
	}
}

func TestBarGrowsWithItsValue(t *testing.T) {
	for _, live := range []bool{false, true} {
		line := timeline{Options: Options{Live: live}}
		last := ""
		for value := -1; value <= 2*capacity; value++ {
			bar := line.bar(green, value, capacity)
			if n := utf8.RuneCountInString(bar); n != barWidth {
				t.Fatalf("%d of %d: bar of %d columns, want %d", value, capacity, n, barWidth)
			}
			full := strings.TrimRight(bar, " ")
			if (full == "") != (value <= 0) {
				t.Fatalf("%d of %d: %q", value, capacity, bar)
			}
			if weight(full) < weight(last) {
				t.Fatalf("%d of %d: %q is less than %q", value, capacity, full, last)
			}
			last = full
		}
		if weight(last) != 8*barWidth {
			t.Errorf("the fullest bar is %q", last)
		}
	}
}

// weight is the length of a bar in eighths of a column.
func weight(bar string) int {
	n := 0
	for _, r := range bar {
		if i := strings.IndexRune(" ▏▎▍▌▋▊▉", r); i >= 0 {
			n += utf8.RuneCountInString(" ▏▎▍▌▋▊▉"[:i])
		} else {
			n += 8
		}
	}
	return n
}
