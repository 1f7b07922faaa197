package control

import (
	"net/netip"
	"time"

	"ebbgate/policy"
)

// MaxEvents bounds the events of one answer, and those the daemon keeps for clients that come back.
const MaxEvents = 1000

// LongestWait is how long a client may wait for the next event: less than its answerTimeout.
const LongestWait = 8 * time.Second

// Event is one transition: never a sample, and of many sources at once only one.
type Event struct {
	// ID counts up, also over restarts of the daemon, with gaps: the event stream resumes after it.
	ID        uint64           `json:"id,string"`
	At        Time             `json:"at"`
	Event     policy.EventKind `json:"event"`
	Service   string           `json:"service"`   // empty: it concerns the host or the daemon
	Attack    string           `json:"attack"`    // the ID of the one it belongs to; empty: to none
	Kind      policy.Kind      `json:"kind"`      // of that attack
	Mode      *policy.Mode     `json:"mode"`      // of the service; null: it has none to do with it
	Source    netip.Prefix     `json:"source"`    // empty: several, or none
	Count     int              `json:"count"`     // how many sources, blocks or problems it sums up; at least 1
	Rule      string           `json:"rule"`      // the key of the service it follows from; empty: from none
	Measured  int              `json:"measured"`  // in the unit of the key
	Threshold int              `json:"threshold"` // likewise
	Part      string           `json:"part"`      // of the daemon, where it is degraded or recovered
	Why       string           `json:"why"`
}

// Stream is the newest events, the oldest first, as the daemon publishes them. Neither it nor its events are
// changed once published.
type Stream struct {
	Since  uint64  // every event after this ID is among them
	Events []Event // at most MaxEvents
}

// Events is the answer of GET /v1/events, the oldest first.
type Events struct {
	At     Time    `json:"at"`
	Events []Event `json:"events"` // at most MaxEvents
	// Missed says that there may have been others after the event the client saw last, which the daemon
	// keeps no more, or was not running to see; and that the ID is none this daemon has given. Then Events
	// has all that are kept.
	Missed bool `json:"missed"`
	// Next is the ID to ask after for what follows.
	Next uint64 `json:"next,string"`
}
