package control

import (
	"strconv"
	"unicode/utf8"

	"ebbgate/policy"
)

// maxEventText bounds the bytes of each text of an event; the rest is cut off. What is longest is an error of
// the kernel's with what was sent to it.
const maxEventText = 512

// EventOf returns the wire form of what a decision reports, without an ID.
func EventOf(e *policy.Event, c Calendar) Event {
	out := Event{At: c.Time(e.At), Event: e.Kind, Service: e.Service, Kind: e.Cause, Source: e.Source, Count: e.Count,
		Rule: e.Reason.Rule, Measured: e.Reason.Measured, Threshold: e.Reason.Threshold, Why: e.Why}
	if e.Attack != 0 {
		out.Attack = strconv.FormatUint(e.Attack, 10)
	}
	// What the operator exempts has no mode, and neither has what concerns the host.
	if e.Service != "" && e.Kind != policy.ExemptAdded && e.Kind != policy.ExemptEnded {
		mode := e.Mode
		out.Mode = &mode
	}
	return out
}

// Bounded returns the event with texts no longer than the wire allows, and a Count of at least 1.
func (e Event) Bounded() Event {
	for _, text := range []*string{&e.Service, &e.Rule, &e.Part, &e.Why} {
		*text = cutBytes(*text, maxEventText)
	}
	e.Count = max(e.Count, 1)
	return e
}

// cutBytes cuts a text off after so many bytes at most, between characters.
func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
