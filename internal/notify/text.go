package notify

import (
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// maxLine bounds the characters of one text, most of which an event's reasons may take.
const maxLine = 400

// phrases say what happened where that is an event of ours.
var phrases = map[policy.EventKind]string{
	Unreachable: "ebbgate cannot be reached",
	Reachable:   "ebbgate can be reached again",
	Missed:      "events may have been missed",
	Test:        "a test of ebbgate notify",
}

// Text returns one line about an event, without the host's name: safe to print, and of 400
// characters at most.
func Text(e *control.Event) string {
	text := control.EventText(e)
	if phrase, ours := phrases[e.Event]; ours {
		text = phrase
		if e.Why != "" {
			text += ": " + control.Escape(e.Why)
		}
	}
	if e.Attack != "" {
		text += " [ebbgate attacks " + control.Escape(e.Attack) + "]"
	}
	return clip(text, maxLine)
}

// clip cuts a text off after so many bytes at most, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const dots = "..."
	return strings.ToValidUTF8(s[:most-len(dots)], "") + dots
}
