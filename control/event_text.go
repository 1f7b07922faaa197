package control

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"ebbgate/policy"
)

// WriteEvents renders events for people, one on a line, the oldest first. A line that would be too long is cut
// off. The only error is w's.
func WriteEvents(w io.Writer, e *Events, o TextOptions) error {
	p := newPage(o)
	for i := range e.Events {
		p.event(&e.Events[i])
	}
	return p.send(w, "events")
}

// widestEvent is the longest name of an event.
const widestEvent = len(policy.TrackingChanged)

func (p *page) event(e *Event) {
	text := pad(stamp(e.At), 19, false) + "  " + pad(Escape(string(e.Event)), widestEvent, false) + "  " + eventWords(e)
	p.line(eventStyle(e.Event), strings.TrimRight(cutColumns(text, p.width), " "))
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

// eventWords says what happened to whom, and why: what is shortest first, since the line may be cut off.
func eventWords(e *Event) string {
	var who []string
	for _, text := range []string{e.Service, string(e.Kind), e.Part} {
		if text != "" {
			who = append(who, Escape(text))
		}
	}
	if e.Attack != "" {
		who = append(who, "#"+Escape(e.Attack))
	}
	switch {
	case e.Source.IsValid():
		who = append(who, sourceText(e.Source))
	case e.Count > 1 || e.Event == ExcessClosed:
		who = append(who, eventCount(e))
	}
	switch {
	case e.Mode == nil:
	case e.Event == policy.ModeChanged:
		who = append(who, "now in "+e.Mode.String()+" mode")
	case *e.Mode == policy.Shadow:
		who = append(who, "(shadow)")
	}
	var why []string
	if e.Rule != "" {
		why = append(why, ShortReason(e.Rule, e.Measured, e.Threshold))
	}
	if e.Why != "" {
		why = append(why, Escape(e.Why))
	}
	text := strings.Join(who, " ")
	if len(why) == 0 {
		return text
	}
	if text != "" {
		text += ": "
	}
	return text + strings.Join(why, "; ")
}

// eventCount says of what an event sums up several.
func eventCount(e *Event) string {
	switch e.Event {
	case ExcessClosed:
		return counted(e.Count, "connection", "connections")
	case PolicyRefused:
		return counted(e.Count, "problem", "problems")
	}
	return counted(e.Count, "source", "sources")
}

// cutColumns cuts an escaped text off where it would take more columns.
func cutColumns(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	used := 0
	for i, r := range text {
		if used += runeColumns(r); used > most-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// MissedText says what a client missed between the event he saw last and the first of an answer.
func MissedText(after uint64, e *Events) string {
	text := fmt.Sprintf("events after %d may be missing: ebbgate was not running, or keeps them no more", after)
	if len(e.Events) > 0 {
		text += fmt.Sprintf("; the next it knows is %d", e.Events[0].ID)
	}
	return text
}
