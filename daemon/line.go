package daemon

import (
	"time"

	"ebbgate/policy"
)

// lineEvery is how often the figures in the service manager's status line move. Each change of it
// wakes the service manager and everybody who listens to it, in peace and in the middle of a flood.
const lineEvery = 10 * time.Second

// line is the status line as the service manager shows it.
type line struct {
	text  string
	news  string         // what is new in it, without its figures
	at    policy.Instant // when it was made
	force bool           // the next one is shown whatever it says
}

// show returns what is to be shown at now, where text and its news are true: text itself if the news is not
// what is shown, or if that is older than lineEvery; else what is shown.
func (l *line) show(text, news string, now policy.Instant) string {
	if l.force || news != l.news || now.Sub(l.at) >= lineEvery {
		*l = line{text: text, news: news, at: now}
	}
	return l.text
}
