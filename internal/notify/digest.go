package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// maxLines bounds the events a digest tells one by one.
const maxLines = 20

// compose makes the notification of what is told at once: of one event, or a digest of several.
func compose(host string, batch []item, dropped int) *Notification {
	n := &Notification{Host: control.Escape(host), Lines: []string{}, Dropped: dropped}
	text := ""
	if len(batch) == 1 {
		n.Event, n.Repeats = batch[0].event, batch[0].repeats
		n.Importance = rankOf(&n.Event).importance
		text = Text(&n.Event)
		if n.Repeats > 0 {
			text += fmt.Sprintf(" (and %s meanwhile)", times(n.Repeats))
		}
	} else {
		text = n.digest(batch)
	}
	if dropped > 0 {
		text += fmt.Sprintf(" (%s dropped: nobody was told)", control.Counted(dropped, "event before was", "events before were"))
	}
	n.Text = n.Host + ": " + text
	return n
}

func times(n int) string {
	if n == 1 {
		return "once more"
	}
	return fmt.Sprintf("%d times more", n)
}

// digest fills in a digest of a batch, and returns its first line.
func (n *Notification) digest(batch []item) string {
	sorted := slices.Clone(batch)
	slices.SortStableFunc(sorted, func(a, b item) int {
		return cmp.Compare(rankOf(&b.event).importance, rankOf(&a.event).importance)
	})
	n.Event = control.Event{Event: Digest}
	counts := make(map[policy.EventKind]int)
	var kinds []policy.EventKind // in order of importance
	for i, it := range sorted {
		e := &it.event
		if counts[e.Event] == 0 {
			kinds = append(kinds, e.Event)
		}
		counts[e.Event] += 1 + it.repeats
		n.Count += 1 + it.repeats
		if e.At.After(n.At.Time) {
			n.At = e.At
		}
		if i < maxLines {
			n.Lines = append(n.Lines, e.At.UTC().Format("15:04:05 ")+Text(e))
		}
	}
	if more := len(sorted) - maxLines; more > 0 {
		n.Lines = append(n.Lines, fmt.Sprintf("and %d more: ebbgate events", more))
	}
	n.Importance = rankOf(&sorted[0].event).importance
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], control.Escape(string(k))))
	}
	n.Why = clip(strings.Join(parts, ", "), maxLine)
	return clip(fmt.Sprintf("%d events: %s", n.Count, n.Why), maxLine)
}
