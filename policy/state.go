package policy

import "net/netip"

// State is everything Step remembers from one turn to the next. It holds plain values only, so
// that it can be saved, compared and replayed. The zero value is the state of a fresh start.
//
// Its size is bounded: for each service Observe.MaxSources limited and as many watched sources.
type State struct {
	At       Instant  // of the last observation; 0: none yet
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

	Seed     uint64         // of the jitter of blocks; 0: not yet chosen
	Exempt   []Exemption    // by the operator; by prefix and service
	Admins   []AdminState   // by address
	Blocks   []BlockState   // by service and source
	Services []ServiceState // of services with something to remember, by name
}

// AdminState is an administrator's address.
type AdminState struct {
	Addr   netip.Addr
	SeenAt Instant // last observation in which he was logged in
}

// BlockState is a block in force, or one that ended and is remembered as strikes.
type BlockState struct {
	Service string
	Source  netip.Prefix
	Strikes int     // at least 1
	Since   Instant // of the newest block
	Until   Instant // its end; in the past: it has ended
	Decay   Instant // when one strike will be forgiven
	Close   bool    // it held connections when last counted
	Counted Instant // when that was
	Reason  Reason
}

// ServiceState is what is remembered about one service while an attack on it is open.
type ServiceState struct {
	Service string
	Scope   string // the ports and addresses it was counted on
	Attack  Attack
	Full    bool          // more sources qualified for a limit than observe.max_sources
	Sources []SourceState // by Source
}

// SourceState is what is remembered about one source.
type SourceState struct {
	Source netip.Prefix
	Held   int     // at the last census that knows
	SeenAt Instant // when that census began

	Raised     bool    // the source reached its limit and has not yet been quiet since
	Since      Instant // when it was raised
	Peak       int     // most connections held since
	OverAt     Instant // last time it was found at its limit
	UnderSince Instant // below the limit without a break since; 0: it is not
	ClearSince Instant // below the clear level without a break since; 0: it is not
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
