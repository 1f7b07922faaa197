package demo

import (
	"fmt"
	"strings"
	"time"
)

// barWidth is the width of a full bar.
const barWidth = 24

// Colours of the timeline (ECMA-48 SGR).
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	bold  = "\x1b[1m"
	plain = "\x1b[0m"
)

// sample is one moment of the play.
type sample struct {
	at     time.Time
	served int // legitimate requests answered, per second
	load   int // what the kind shows of the attack
	limits int // sources limited or blocked
}

// timeline writes samples and what happened between them, a line each.
type timeline struct {
	Options
	kind    kind
	started time.Time
	notes   []string // said since the last sample
}

func newTimeline(o Options, k kind, started time.Time) *timeline {
	return &timeline{Options: o, kind: k, started: started}
}

// header says what is about to be seen.
func (t *timeline) header() {
	end := "Nothing of this host is touched; Ctrl-C ends it and leaves nothing."
	if t.Stay {
		end = "This time ebbgate is there from the start. " + end
	}
	fmt.Fprintf(t.Out, "%s\n\n", strings.Join(wrap(t.kind.scene+" "+end, proseWidth), "\n"))
	l := t.kind.load
	title := fmt.Sprintf("%6s  %-*s  %-*s  %s", "time", barWidth+4, "legitimate requests served/s", barWidth+1+l.digits, l.title, "limited sources")
	fmt.Fprintln(t.Out, t.paint(bold, title))
}

// say adds a remark, written with the next sample.
func (t *timeline) say(what string) { t.notes = append(t.notes, what) }

// add writes one sample. A load that is nearly full, or clients that get nothing, show in red.
func (t *timeline) add(s sample) {
	for _, n := range t.notes {
		fmt.Fprintln(t.Out, t.paint(bold, fmt.Sprintf("%6s  -- %s", "", n)))
	}
	t.notes = nil
	l := t.kind.load
	served, load := green, green
	if s.served < requestRate/2 {
		served = red
	}
	if s.load >= l.full*9/10 {
		load = red
	}
	limits := ""
	if s.limits > 0 {
		limits = fmt.Sprintf("%d", s.limits)
	}
	line := fmt.Sprintf("%5.1fs  %3d %s  %*d %s  %s", s.at.Sub(t.started).Seconds(),
		s.served, t.bar(served, s.served, requestRate), l.digits, s.load, t.bar(load, s.load, l.full), limits)
	fmt.Fprintln(t.Out, strings.TrimRight(line, " "))
}

// bar is value out of full as a bar; block characters on a terminal, which draws eighths of a
// column, and # elsewhere.
func (t *timeline) bar(colour string, value, full int) string {
	eighths := min(max(value, 0)*barWidth*8/full, barWidth*8)
	if value > 0 {
		eighths = max(eighths, 1)
	}
	whole := eighths / 8
	text := strings.Repeat("#", (eighths+7)/8)
	if t.Live {
		text = strings.Repeat("█", whole)
		if rest := eighths % 8; rest > 0 {
			text += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		}
	}
	pad := strings.Repeat(" ", barWidth-len([]rune(text)))
	return t.paint(colour, text) + pad
}

func (t *timeline) paint(colour, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return colour + text + plain
}
