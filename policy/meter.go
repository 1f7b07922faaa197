package policy

import (
	"net/netip"
	"time"
)

// Endings counts the connections to services that ended, by the kernel's notifications of destroyed
// sockets. A connection is destroyed only after its handshake was completed, so nobody can forge
// one in another's name (P5). Forwarded connections are not among them.
type Endings struct {
	Taken    bool
	From     Instant       // when the count began
	Span     time.Duration // how long it went on
	Lost     uint64        // times the kernel had more to say than was read; if any, counts are lower bounds
	Paused   time.Duration // of Span, not listened to because of the CPU budget; likewise
	Services []ServiceEndings
}

// ServiceEndings counts what ended of one service, which is present even if nothing did.
type ServiceEndings struct {
	Service string
	Ended   int             // of all sources
	Sources []SourceEndings // by Source; at most Observe.MaxSources, those with most
	Rest    EndingsRest     // the sources beyond that bound
}

// SourceEndings counts what ended of one source.
type SourceEndings struct {
	Source netip.Prefix
	Ended  int
}

// EndingsRest sums up the sources that could not be kept.
type EndingsRest struct {
	Sources int
	Ended   int
}

// SYNMeter is what the kernel's SYN meter of one service shows. SYNs can be forged: a source is
// named here by what somebody sent in its name (P5).
type SYNMeter struct {
	Service   string
	SYNs      uint64 // that passed the meter since it was installed
	Over      uint64 // of these, beyond the rate of their source
	Unmetered uint64 // of these, from sources for which the full meter had no room
	Unlisted  uint64 // of those over the rate, from sources for which the full list had no room
	Completed uint64 // packets that may complete a handshake SYNPROXY began, while Completing

	Completing bool        // SYNPROXY may complete handshakes
	Sources    []SYNSource // over the rate in the last seconds, by Source; at most MaxSYNSources

	// ProvenFull: so many sources completed a handshake that not all could be remembered, and every
	// source of a family passes for proven.
	ProvenFull bool
}

// SYNSource is a source over its SYN rate.
type SYNSource struct {
	Source netip.Prefix
	Over   uint64 // SYNs beyond the rate since the source came to be listed
	Proven bool   // completed a handshake in the last ten minutes
}

// MaxSYNSources bounds the sources a SYN meter can name. A flood from more is not one of few
// addresses.
const MaxSYNSources = 4096
