package notify

import (
	"strings"

	"ebbgate/control"
)

// maxOutput bounds what is kept of what a command writes, and of a webhook's answer.
const maxOutput = 2048

// output keeps the beginning of what is written to it and takes the rest without a word, so that nobody
// is held up by it. It is for one goroutine.
type output struct {
	kept []byte
	more bool
}

// Write never fails.
func (o *output) Write(p []byte) (int, error) {
	room := maxOutput - len(o.kept)
	o.kept = append(o.kept, p[:min(room, len(p))]...)
	o.more = o.more || len(p) > room
	return len(p), nil
}

// text returns it on one line that is safe to print.
func (o *output) text() string {
	text := control.Escape(strings.TrimSpace(string(o.kept)))
	if o.more {
		text += "..."
	}
	return text
}
