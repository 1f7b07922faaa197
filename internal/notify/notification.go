package notify

import (
	"ebbgate/control"
	"ebbgate/policy"
)

// The events that come from here and not from the daemon. Their id is 0.
const (
	Unreachable policy.EventKind = "daemon-unreachable"
	Reachable   policy.EventKind = "daemon-reachable"
	Missed      policy.EventKind = "events-missed" // the daemon does not keep them any more
	Digest      policy.EventKind = "digest"        // Count events, told at once
	Test        policy.EventKind = "test"
)

// Notification is what a command or a webhook is given: an event as the control API has it, and what
// somebody reads.
type Notification struct {
	control.Event
	Host       string     `json:"host"`
	Importance Importance `json:"importance"`
	Text       string     `json:"text"`    // one line, safe to print
	Lines      []string   `json:"lines"`   // of a digest: the texts of the events, the most important first
	Repeats    int        `json:"repeats"` // how often the like happened, but was not told, since the last one of it
	Dropped    int        `json:"dropped"` // events that nobody was told of, since the last notification
}

// item is something to be told.
type item struct {
	event   control.Event
	ids     []uint64 // the stream's events it stands for; none for one of ours
	repeats int
}

func itemOf(e control.Event) item {
	if e.ID == 0 {
		return item{event: e}
	}
	return item{event: e, ids: []uint64{e.ID}}
}
