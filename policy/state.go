package policy

import "net/netip"

// State is everything Step remembers from one turn to the next. It holds plain values only, so
// that it can be saved, compared and replayed. The zero value is the state of a fresh start.
//
// Its size is bounded: for each service Observe.MaxSources limited and as many watched sources, their
// prefixes, and Limits.MaxBlocks blocks of all services together.
type State struct {
	At       Instant  // of the last observation; 0: none yet
	Begun    Instant  // of the first observation: blocks of before answer no attack that is known
	Counters Counters // of the last observation whose counters were valid
	Base     uint64   // least CurrEstab since the last census: what "rising" is measured from
	Tracked  uint64   // least ConntrackCount since then, likewise
	Census   Instant  // when the last census began
	Attacks  uint64   // attacks opened so far; numbers the next one

	Paced   Counters // of about a second ago: what rates are measured from
	PacedAt Instant  // when they were read; 0: never

	SYNFlood   Instant // last sign of a SYN flood; 0: none
	CookiesOff Instant // last time one met a kernel without SYN cookies; 0: never
	Churn      Instant // last reason to tell apart what ends; 0: none
	Crowded    bool    // the conntrack table is nearly full

	Unanswered int     // SYN cookies a second that nobody answered, at the last pace
	Sampling   Instant // the SYN meters have run since then and will rest; 0: they rest, or will not
	Rest       Instant // until then they rest; 0: they do not

	Listening Instant        // what ends has been asked for without a break since; 0: it is not
	Endings   Instant        // end of the last count of what ends
	Opened    uint64         // connections accepted since boot, at that time
	Estab     uint64         // connections established at that time
	Seed      uint64         // of the jitter of blocks; 0: not yet chosen
	Told      Instant        `json:",omitempty"` // of a state that was restored: the end of blocks until then was told before
	Exempt    []Exemption    // by the operator; by prefix and service
	Admins    []AdminState   // by address
	SSH       []SSHState     // by port
	Modes     []HandMode     `json:",omitempty"` // by service, the one that ends by itself last
	Blocks    []BlockState   // by service and source
	Services  []ServiceState // of services with something to remember, by name

	memos  []blockMemo // of services with blocks
	joined []Block     // what they come to together, of several
	acting acting      // the policy with modes by hand
}

// AdminState is an administrator's address.
type AdminState struct {
	Addr   netip.Addr
	SeenAt Instant // last observation in which he was logged in
}

// SSHState is a port sshd listens on, or did lately.
type SSHState struct {
	Port   uint16
	SeenAt Instant
}

// BlockState is a block in force, or one that ended and is remembered as strikes.
type BlockState struct {
	Service string
	Source  netip.Prefix
	Cause   Kind    // of the attack it answered, the newest time
	Mode    Mode    // in which it was decided
	Peak    int     // the most measured of that offence
	Strikes int     // at least 1, but for blocks by hand
	Since   Instant // of the newest block
	Until   Instant // its end; in the past: it has ended
	Decay   Instant // when one strike will be forgiven
	Left    bool    // of what is forwarded: since it ended, the source was found below its limit
	Close   bool    // it held connections, which are to be closed
	Counted Instant // the last time it was found so
	Reason  Reason
	Note    string `json:",omitempty"` // of a block by hand: the operator's own words
	Back    bool   `json:",omitempty"` // it is back after a trial: it answers no attack that is known
}

// ServiceState is what is remembered about one service: while an attack on it is open, and what
// tells whether one begins.
type ServiceState struct {
	Service string
	Scope   string   // the ports and addresses it was counted on
	Attacks []Attack // open, by kind
	Full    bool     // more sources qualified for a limit than observe.max_sources
	NoRoom  bool     // more sources were to be blocked than limits.max_blocks

	Sources  []SourceState // by Source
	Prefixes []PrefixState // by Prefix
	Share    ShareState
	SYNs     SYNState
	Slow     SlowState
	Proxy    ProxyState
	Exempt   OffenderState
}

// SourceState is what is remembered about one source.
type SourceState struct {
	Source netip.Prefix
	Single netip.Addr // the one IPv6 address that answers are narrowed to, if it alone explains the count
	Held   int        // at the last census that knows
	SeenAt Instant    // when that census began
	Hold   Offence    // connections held
	Share  int        // fair share it was held to by that census; 0: none

	Fast   int     // counts of what ends in a row that were over its rate
	Rate   int     // completed connections a second, by the newest count that was over it
	Before int     // held at the last count of what ended
	Cut    int     // connections we closed ourselves, not yet seen to end
	CutAt  Instant // when we did
	Churn  Offence // completed connections a second
}

// PrefixState is what is remembered about a prefix of several sources.
type PrefixState struct {
	Prefix  netip.Prefix
	Held    int // by its sources that are neither exempt nor have an override, each up to its own limit
	Sources int
	SeenAt  Instant
	Hold    Offence // of its limit in connections.per_prefix
	Share   int     // fair share of the whole prefix, where one connection each is too much; 0: none
	Each    int     // fair share of each source in it; 0: none
}

// ShareState is what is remembered about the fair share of a service.
type ShareState struct {
	Press     Offence // connections held, each source up to its limit, against most of the capacity
	Held      int     // likewise, at the last complete census
	At        Instant // when that was
	Exempt    int     // of these, by exempt sources
	Target    int     // what the sources that are not exempt may hold together
	Level     int     // share of a prefix; 0: there is no fair share
	RoomSince Instant // it could have been raised without a break since; 0: it could not

	Relief int // what the service may hold where one connection each is too much; 0: it is not
}

// SYNState is what is remembered about a service's SYN meter.
type SYNState struct {
	From     SYNMeter       // its last reading, without sources
	Counters Counters       // at that reading
	At       Instant        // when that was; 0: none
	Rate     int            // SYNs a second between the last two readings
	Opened   int            // connections the host accepted a second, likewise
	HalfOpen int            // handshakes not completed of what is forwarded, at the last census
	Few      Offence        // SYNs a second of few addresses over their rate that are not completed
	Many     Offence        // SYNs a second of addresses within their rate that are not completed
	Dropping bool           // above observe.syn_pressure, and not yet below half of it
	Drops    []netip.Prefix // sources whose SYNs over their rate are dropped, as of that reading
}

// SlowState is what is remembered about an application that is slow to take or end its connections.
type SlowState struct {
	FullSince Instant // an accept queue has been full without a break since; 0: none is
	FullAt    Instant // last time one was
	Counts    int     // of what ended, begun since then
	LeakSince Instant // connections have been left in CLOSE_WAIT without a break since; 0: they are not
	LeakAt    Instant // last census that found them
	Leaked    int     // at that census
	Raised    Instant // when it was found slow; 0: it is not
}

// OffenderState is what is remembered of an exempt source that is the worst of all.
type OffenderState struct {
	Source netip.Prefix
	Hold   Offence
	Reason Reason // at the last census that found it
}

// service returns the state kept for a service, or an empty one.
func (s *State) service(name string) ServiceState {
	for _, sv := range s.Services {
		if sv.Service == name {
			return sv
		}
	}
	return ServiceState{Service: name}
}
