package policy

import (
	"fmt"
	"net/netip"
)

// Decision is the complete set of what should hold from now on: level, not edge. A reader who
// missed every earlier Decision loses nothing but the Events.
type Decision struct {
	At      Instant
	Limits  []Limit   // in force, by service and source
	Watched []Watched // held to the limit by the kernel without being refused, likewise sorted
	Attacks []Attack  // open, by service
	Meters  []Meter   // SYN meters, by service
	Watch   Watch
	Events  []Event // what changed in this step, in a stable order
	Next    Instant // the earliest time it could change without new input; 0: never
}

// Limit holds one source of one service to its limit.
type Limit struct {
	Service string
	Source  netip.Prefix
	Mode    Mode    // Shadow: count and report only
	Refuse  bool    // at its limit when last counted: new connections are turned away
	Close   bool    // above its limit when last counted: the excess is to be closed
	Held    int     // when last counted
	Counted Instant // when that was
	Max     int     // what it may hold
	Since   Instant // when the limit was raised
	Until   Instant // end of the lease; later evidence moves it
	Reason  Reason  // the newest evidence for the limit
}

// Watched is a source near its limit while an attack on the service is open. The kernel counts
// its connections so that it stops exactly at the limit between two censuses.
type Watched struct {
	Service string
	Source  netip.Prefix
	Mode    Mode
	Until   Instant
}

// Meter has the kernel tell which sources send a service more than Max SYNs a second. It counts and
// turns nobody away (P5).
type Meter struct {
	Service string
	Max     int
	Until   Instant
}

// Reason is why something was decided (P12).
type Reason struct {
	Rule      string  // the policy key, as "connections.per_source"
	Measured  int     // in the unit of the key
	Threshold int     // likewise
	At        Instant // of the evidence
}

// String says it in one line: "connections.per_source: 250 held, limit 100".
func (r Reason) String() string {
	return fmt.Sprintf("%s: %d held, limit %d", r.Rule, r.Measured, r.Threshold)
}

// Kind names an attack by its cause.
type Kind string

// ConnectionFlood is a source that holds more connections of a service than its limit.
const ConnectionFlood Kind = "connection-flood"

// Attack is one open attack on one service.
type Attack struct {
	ID          uint64 // counts up from 1 within one State; 0: no attack
	Service     string
	Kind        Kind
	Began       Instant
	BeganWall   int64  // Unix nanoseconds, for display only
	PeakHeld    int    // most connections the service held, of all sources
	PeakSources int    // most sources limited at once
	Evidence    Reason // the heaviest source when it began
}

// Watch says how closely the kernel should be watched in the next turn.
type Watch struct {
	Attack    bool     // an attack is open
	Suspicion []string // why a census should be taken at once; empty: no reason to

	Endings    bool // count what ends, by source
	CookiesOff bool // a SYN flood meets a kernel whose SYN cookies are off
}

// Depth is how much watching is warranted, and so which share of the CPU budget applies.
type Depth uint8

const (
	// Routine watching finds what builds up too slowly to look suspicious.
	Routine Depth = iota
	// Suspicious counters call for a census at once, within the budget.
	Suspicious
	// UnderAttack watching may cost four times the budget.
	UnderAttack
)

// Depth sums up w.
func (w Watch) Depth() Depth {
	switch {
	case w.Attack:
		return UnderAttack
	case len(w.Suspicion) > 0:
		return Suspicious
	}
	return Routine
}

// EventKind names a transition.
type EventKind string

// The transitions Step reports.
const (
	AttackBegan  EventKind = "attack-began"
	AttackEnded  EventKind = "attack-ended"
	LimitRaised  EventKind = "limit-raised"
	LimitDropped EventKind = "limit-dropped"
	CookiesOff   EventKind = "syn-cookies-off" // of no service; Why says what to set
	LimitsFull   EventKind = "limits-full"     // more sources than observe.max_sources qualify
)

// Event is one transition. Limits raised or dropped together beyond eventsPerService are summed
// up in one event with a Count and no Source, so that a flood of sources is no flood of events.
type Event struct {
	Kind    EventKind
	At      Instant
	Service string
	Attack  uint64
	Mode    Mode
	Source  netip.Prefix // of a limit; zero when Count sums up several
	Count   int          // how many transitions this one stands for, at least 1
	Reason  Reason       // for raised limits and begun attacks: the evidence
	Why     string       // for dropped limits and ended attacks: in words
}
