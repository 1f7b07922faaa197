package daemon

import (
	"strings"
	"time"
	"unicode"

	"ebbgate/policy"
)

// lineEvery is how often the figures in the service manager's status line move. Each change of it
// wakes the service manager and everybody who listens to it, in peace and in the middle of a flood.
const lineEvery = 10 * time.Second

// line is the status line as the service manager shows it.
type line struct {
	text string
	at   policy.Instant // when it was made
	old  bool           // the next one is shown whatever it says
}

// show returns what is to be shown at now, where text is true: text itself if it says something else
// than what is shown, or if that is old; else what is shown.
func (l *line) show(text string, now policy.Instant) string {
	if l.old || wording(text) != wording(l.text) || now.Sub(l.at) >= lineEvery {
		*l = line{text: text, at: now}
	}
	return l.text
}

// wording is a line without its figures.
func wording(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) || r == ',' {
			return -1
		}
		return r
	}, text)
}
