package control

import (
	"fmt"
	"io"
	"log/slog"

	"ebbgate/policy"
)

// WriteEvents renders events for people, a sentence each, the oldest first. The only error is w's.
func WriteEvents(w io.Writer, e *Events, o TextOptions) error {
	p := newPage(o)
	for i := range e.Events {
		p.event(&e.Events[i])
	}
	return p.send(w, "events")
}

func (p *page) event(e *Event) {
	text := EventText(e)
	if e.Attack != "" {
		text += " (attack " + Escape(e.Attack) + ")"
	}
	p.put(eventStyle(e.Event), 21, pad(stamp(e.At), 21, false)+text)
}

// eventStyle shows how grave an event is, and what is good news.
func eventStyle(k policy.EventKind) style {
	switch {
	case k == policy.AttackBegan || EventLevel(k) >= slog.LevelError:
		return alarm
	case EventLevel(k) >= slog.LevelWarn:
		return care
	case k == policy.AttackEnded || k == Recovered:
		return calm
	}
	return plain
}

// MissedText says what a client missed between the event he saw last and the first of an answer.
func MissedText(after uint64, e *Events) string {
	text := fmt.Sprintf("events after %d may be missing: ebbgate was not running, or keeps them no more", after)
	if len(e.Events) > 0 {
		text += fmt.Sprintf("; the next it knows is %d", e.Events[0].ID)
	}
	return text
}
