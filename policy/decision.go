package policy

import (
	"fmt"
	"net/netip"
)

// Decision is the complete set of what should hold from now on: level, not edge. A reader who
// missed every earlier Decision loses nothing but the Events.
type Decision struct {
	At      Instant
	Limits  []Limit   // in force, by service and source; no source twice
	Watched []Watched // held to the limit by the kernel without being refused, likewise sorted
	Blocks  []Block   // in force, likewise sorted
	Reliefs []Relief  // by service
	Attacks []Attack  // open, by service and kind
	Ended   []Attack  // attacks that ended in this step, likewise sorted
	Meters  []Meter   // SYN meters, by service
	Drops   []SYNDrop // sources whose SYNs over their rate are dropped, by service and source
	Proxies []Proxy   // SYNPROXY, by service
	Exempt  []Exemption
	Modes   []HandMode `json:",omitempty"` // by service; of two the last holds, and ends by itself
	SSH     SSH

	Untracked string // why the kernel may count no connections for us; empty: it may

	Offenders []Offender // by service
	Watch     Watch
	Events    []Event // what changed in this step, in a stable order
	Next      Instant // the earliest time it could change without new input; 0: never
}

// Limit holds one source of one service, or one prefix, to its limit.
type Limit struct {
	Service string
	Source  netip.Prefix // of any length: a source, a prefix with its own limit, a single IPv6 address
	Mode    Mode         // Shadow: count and report only
	Refuse  bool         // at its limit when last counted: new connections are turned away
	Close   bool         // above its limit when last counted: the excess is to be closed
	Exact   bool         // a source with the service's own per_source limit, which the kernel can count
	Held    int          // when last counted
	Counted Instant      // when that was
	Max     int          // what it may hold; 0: as many as it likes, it is limited for how fast it opens them
	Since   Instant      // when the limit was raised
	Until   Instant      // end of the lease; later evidence moves it
	Reason  Reason       // the newest evidence for the limit
}

// Watched is a source near its limit while an attack on the service is open. The kernel counts
// its connections so that it stops exactly at the limit between two censuses.
type Watched struct {
	Service string
	Source  netip.Prefix
	Mode    Mode
	Until   Instant
}

// Block keeps a source or prefix away from one service until its time, whatever it sends meanwhile:
// its packets are turned away and its connections destroyed (P13). It never touches exempt addresses
// within a prefix.
type Block struct {
	Service string
	Source  netip.Prefix
	Mode    Mode
	Close   bool    // it still held connections when last counted
	Counted Instant // when that was
	Strikes int     // how often it was blocked for an offence, this time included
	Since   Instant
	Until   Instant
	Reason  Reason
	Note    string `json:",omitempty"` // of a block by hand: the operator's own words
}

// Relief has connections of a service on which nothing was ever received closed, those that have waited
// longest first, until it holds Max. It is decided where one connection for each source is still more
// than the service can hold.
type Relief struct {
	Service string
	Mode    Mode
	Held    int     // when last counted
	Counted Instant // when that was
	Max     int
	Reason  Reason
}

// SYNDrop has the kernel drop the SYNs of one source beyond the rate of the service's meter. It is
// decided only above observe.syn_pressure and only for sources that are not proven (P5).
type SYNDrop struct {
	Service string
	Source  netip.Prefix
	Mode    Mode
	Until   Instant
}

// Offender is an exempt source that holds at least what others may and more than anybody else. Nothing
// is done about it.
type Offender struct {
	Service string
	Source  netip.Prefix
	Since   Instant
	Reason  Reason // by the newest census
}

// SSH says on which ports administrators are exempt.
type SSH struct {
	Ports  []uint16     // sshd listens on; sorted
	Admins []netip.Addr // logged in now or within the last ten minutes; sorted
}

// Meter has the kernel tell which sources send a service more than Max SYNs a second. By itself it
// counts and turns nobody away (P5).
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

// The rules of reasons that are no keys of a service: what was measured, where the policy sets no
// limit.
const (
	RuleAcceptQueue = "accept queue"
	RuleCloseWait   = "CLOSE_WAIT"
	RuleSYNs        = "SYNs not completed"
	RuleInherited   = "in force when the daemon started"
	RuleMerged      = "limits.max_blocks"
	RuleByHand      = "by hand"
)

// The keys reasons name.
const (
	rulePerSource   = "connections.per_source"
	rulePerPrefix   = "connections.per_prefix"
	ruleCapacity    = "capacity"
	ruleNew         = "rate.new_per_source"
	ruleSYN         = "rate.syn_per_source"
	ruleOverride    = "override.per_source"
	ruleOverrideNew = "override.new_per_source"
)

// String says it in one line: "connections.per_source: 250 held, limit 100".
func (r Reason) String() string {
	form := "%s: %d held, limit %d"
	switch r.Rule {
	case ruleCapacity:
		form = "%s: %d held by those who share it, %d to be shared"
	case ruleNew, ruleOverrideNew:
		form = "%s: %d new connections a second, limit %d"
	case ruleSYN:
		form = "%s: %d SYNs a second over the limit of %d and not completed"
	case RuleSYNs:
		form = "%s: %d a second, threshold %d"
	case RuleAcceptQueue:
		form = "%s: %d connections wait, backlog %d"
	case RuleCloseWait:
		form = "%s: %d connections left unclosed, threshold %d"
	case RuleMerged:
		form = "%s: stands for the blocks of %d sources, to make room among %d"
	case RuleInherited, RuleByHand:
		return r.Rule
	}
	return fmt.Sprintf(form, r.Rule, r.Measured, r.Threshold)
}

// Watch says how closely the kernel should be watched in the next turn.
type Watch struct {
	Attack    bool     // an attack that is answered source by source is open
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

	SourceBlocked    EventKind = "source-blocked"
	SourceFreed      EventKind = "source-freed"       // of a block that ended
	BlocksMerged     EventKind = "blocks-merged"      // a prefix is blocked in place of sources within it
	StrikesForgotten EventKind = "strikes-forgotten"  // of blocks that ended, to make room
	BlocksFull       EventKind = "blocks-full"        // more than limits.max_blocks
	ShareChanged     EventKind = "share-changed"      // the fair share of a distributed flood
	ExemptAdded      EventKind = "exempt-added"       // by the operator
	ExemptEnded      EventKind = "exempt-ended"       // likewise, or its time was over
	ExemptOffender   EventKind = "exempt-offender"    // an exempt source is at the limit others have
	PressureChanged  EventKind = "pressure-changed"   // SYN meters begin or cease to drop
	ProxyChanged     EventKind = "proxy-changed"      // SYNPROXY begins or ceases to answer SYNs, or why it cannot
	TableLost        EventKind = "table-lost"         // somebody else removed our table; it is built again
	TrackingChanged  EventKind = "conntrack-pressure" // the conntrack table is nearly full, or no longer
	ModeChanged      EventKind = "mode-changed"       // of a service, by the operator, or as its time was over
)

// Event is one transition. Limits raised or dropped together beyond eventsPerService are summed
// up in one event with a Count and no Source, so that a flood of sources is no flood of events.
type Event struct {
	Kind    EventKind
	At      Instant
	Service string
	Attack  uint64
	Cause   Kind // of the attack
	Mode    Mode
	Source  netip.Prefix // of a limit; zero when Count sums up several
	Count   int          // how many transitions this one stands for, at least 1
	Reason  Reason       // for raised limits and begun attacks: the evidence
	Why     string       // in words, where the reason says nothing or not enough
}
