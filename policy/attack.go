package policy

import (
	"net/netip"
	"slices"
)

// Kind names an attack by its cause.
type Kind string

// The kinds. What answers each is in the operator's documentation; the last one is no attack but is
// handled like one, so that it is told apart from those it looks like.
const (
	// ConnectionFlood is a source or prefix that holds more connections of a service than its limit.
	ConnectionFlood Kind = "connection-flood"
	// DistributedFlood is a service near its capacity without a source over its limit.
	DistributedFlood Kind = "distributed-flood"
	// Churn is a source that opens more connections a second than its limit.
	Churn Kind = "churn"
	// SYNFlood is few addresses that send more SYNs than their limit, most of them never completed.
	SYNFlood Kind = "syn-flood"
	// SpoofedSYNFlood is SYNs that are never completed from more addresses than can be real.
	SpoofedSYNFlood Kind = "spoofed-syn-flood"
	// SlowApplication is an application that does not take or end its connections, with sources that
	// are normal.
	SlowApplication Kind = "slow-application"
)

// Kinds lists all kinds in the order of their names, which is that of decisions.
func Kinds() []Kind {
	return []Kind{Churn, ConnectionFlood, DistributedFlood, SlowApplication, SpoofedSYNFlood, SYNFlood}
}

// bySources reports whether such an attack is answered source by source, and so followed by censuses
// and counts of what ends.
func (k Kind) bySources() bool {
	return k == ConnectionFlood || k == DistributedFlood || k == Churn
}

// anyBySources reports whether one of a list of attacks is answered so.
func anyBySources(attacks []Attack) bool {
	return slices.ContainsFunc(attacks, func(a Attack) bool { return a.Kind.bySources() })
}

const (
	// maxChanges bounds the changes of response an attack remembers: the first ones and the newest.
	maxChanges = 32
	// maxTop bounds the prefixes an attack names.
	maxTop = 8
)

// Attack is one attack of one kind on one service, open or ended.
type Attack struct {
	ID        uint64 // counts up from 1 within one State; 0: no attack
	Service   string
	Kind      Kind
	Mode      Mode // of the service when it began
	Began     Instant
	BeganWall int64  // Unix nanoseconds, for display only
	Evidence  Reason // when it began: the heaviest source, or the listener, or the rate
	Why       string // when it began, where numbers are not enough: what it is and what would help

	PeakHeld    int // most connections the service held, of all sources
	PeakSources int // most sources answered at once: limited, or listed over their SYN rate
	PeakRate    int // most new connections or SYNs a second, of a source or in all, by kind; else 0
	Excess      int // connections over their limits that were to be closed; in shadow mode: would have been
	Blocked     int // blocks begun for it

	Top     []PrefixCount // at the peak of what is answered, the prefixes that held most, or opened most; at most maxTop
	TopSum  int           // what all that were answered held then, or opened a second
	Changes []Change      // of the response, the oldest first; at most maxChanges
	Dropped int           // changes left out between the first and the newest ones

	Ended     Instant // 0: it is open
	EndedWhy  string
	EndedWall int64
}

// PrefixCount is what the sources within one /24 or /48 held of a service.
type PrefixCount struct {
	Prefix  netip.Prefix
	Sources int
	Held    int
	Rate    int `json:",omitempty"` // of churn: connections they opened a second
}

// Change is one change of the response to an attack.
type Change struct {
	At    Instant
	What  string // "sources limited", "share lowered to 3", ...
	Count int    // how many sources or prefixes; 0 where that says nothing
	Why   string

	Source netip.Prefix // the one it is about; zero: several, or the whole service
	ByHand bool         `json:",omitempty"` // the operator did it, or it follows from what he did
}
