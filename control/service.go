package control

import (
	"net/netip"

	"ebbgate/policy"
)

// Service is one service of the policy and what is known of it.
type Service struct {
	Name         string         `json:"name"`
	Mode         policy.Mode    `json:"mode"`
	Ports        string         `json:"ports"`          // as PortsText writes them: "80,443,8000-8010"
	Addresses    []netip.Addr   `json:"addresses"`      // empty: all local addresses
	Traffic      policy.Traffic `json:"traffic"`        // "local", "forwarded" or "both"
	Capacity     int            `json:"capacity"`       // connections the application can hold, as the policy says; 0: not known
	PerSource    int            `json:"per_source"`     // connections one source may hold; 0: no limit
	NewPerSource int            `json:"new_per_source"` // connections one source may open a second; 0: no limit
	SYNPerSource int            `json:"syn_per_source"` // SYNs a second in the name of one source; 0: no limit
	Held         int            `json:"held"`           // connections that hold a slot of the application
	Unread       int            `json:"unread"`         // of those, in CLOSE_WAIT: the client has closed and the application has not
	HalfOpen     int            `json:"half_open"`      // handshakes not completed
	Sources      int            `json:"sources"`        // that hold at least one connection
	Listeners    []Listener     `json:"listeners"`
	Attacks      []Attack       `json:"attacks"` // open ones, by kind

	// Limits has the MaxLimits sources that hold most; LimitsTotal counts all.
	Limits      []Limit `json:"limits"`
	LimitsTotal int     `json:"limits_total"`

	// Blocks has the MaxBlocks newest; BlocksTotal counts all.
	Blocks      []Block `json:"blocks"`
	BlocksTotal int     `json:"blocks_total"`

	DroppedSources int `json:"dropped_sources"` // whose SYNs beyond their rate are dropped now (in shadow mode: would be)

	Offender *Offender `json:"offender"` // null: no exempt source holds as much as others may

	Share  *Share  `json:"share"`  // the fair share of the capacity; null: none is in force
	Relief *Relief `json:"relief"` // null: none is in force
	Proxy  *Proxy  `json:"proxy"`  // null: there is no flood of forged SYNs, or nothing to be said about SYNPROXY

	Endings *Endings  `json:"endings"`   // null: not counted now
	SYNs    *SYNMeter `json:"syn_meter"` // null: the kernel has none now

	// What was done since the daemon started or the service got its present mode. In shadow mode:
	// what would have been done.
	RefusedPackets    uint64 `json:"refused_packets"`    // of new connections, by a limit
	BlockedPackets    uint64 `json:"blocked_packets"`    // of any kind, by a block
	DroppedPackets    uint64 `json:"dropped_packets"`    // SYNs beyond the rate of their source, under SYN pressure
	ProxiedPackets    uint64 `json:"proxied_packets"`    // SYNs that SYNPROXY answered
	ClosedConnections uint64 `json:"closed_connections"` // beyond a limit, or of a blocked source
	BlocksBegun       uint64 `json:"blocks_begun"`

	Begun []KindCount `json:"attacks_begun"` // of each kind, in the order of their names, since the same moment

	CountedSince Time `json:"counted_since"` // that moment: the service's mode changed then, or it came into the policy; null: the daemon started
}

// KindCount is how many attacks of a kind there were.
type KindCount struct {
	Kind  policy.Kind `json:"kind"`
	Count uint64      `json:"count"`
}

// Listener is one listening socket of a service.
type Listener struct {
	Local   netip.AddrPort `json:"local"`
	Queue   uint32         `json:"queue"`   // completed connections that wait for accept(2)
	Backlog uint32         `json:"backlog"` // how many may wait
	Unit    string         `json:"unit"`    // of the service manager that holds it, as "nginx.service"; empty: not known
}

// Limit is one lease in force against a source or prefix, and why.
type Limit struct {
	Source    netip.Prefix `json:"source"`
	Held      int          `json:"held"`
	Max       int          `json:"max"`
	Refusing  bool         `json:"refusing"` // new connections are refused now (in shadow mode: would be)
	Mode      policy.Mode  `json:"mode"`
	Since     Time         `json:"since"`
	LeaseLeft Duration     `json:"lease_left"` // until the kernel ends it, if nothing renews it
	Rule      string       `json:"rule"`       // the key of the service that asked for it: "connections.per_source"
	Measured  int          `json:"measured"`   // by the newest evidence for it, in the unit of the key
	Threshold int          `json:"threshold"`
}

// Block keeps a source or prefix away from a service until its time, whatever it sends meanwhile.
type Block struct {
	Source    netip.Prefix `json:"source"`
	Mode      policy.Mode  `json:"mode"`
	Strikes   int          `json:"strikes"` // how often it was blocked for an offence; one by hand is none
	Since     Time         `json:"since"`
	Left      Duration     `json:"left"`
	Rule      string       `json:"rule"`
	Measured  int          `json:"measured"` // the most while it went on
	Threshold int          `json:"threshold"`
	ByHand    bool         `json:"by_hand"` // the operator ordered it
	Reason    string       `json:"reason"`  // of such a block: the operator's own words
}

// Offender is the exempt source that holds most, where that is at least what others may hold and more
// than anybody else. Nothing is done about it.
type Offender struct {
	Source    netip.Prefix `json:"source"`
	Since     Time         `json:"since"`
	Rule      string       `json:"rule"`
	Measured  int          `json:"measured"`  // connections it holds
	Threshold int          `json:"threshold"` // others may hold
}

// Share is the fair share by which the sources of a service are held to its capacity.
type Share struct {
	Limit    int  `json:"limit"`    // most that any one source or prefix held to it may hold
	Least    int  `json:"least"`    // least that one may hold: it shares its prefix with many
	Sources  int  `json:"sources"`  // how many sources and prefixes are held to it
	Measured int  `json:"measured"` // connections those hold who share, by the newest evidence
	Target   int  `json:"target"`   // connections they are brought down to
	Capacity int  `json:"capacity"`
	Since    Time `json:"since"` // of the first source held to it
}

// Relief has connections on which nothing was ever received closed: one connection for each source
// is still more than the service can hold.
type Relief struct {
	Mode      policy.Mode `json:"mode"`
	Held      int         `json:"held"` // when last counted
	Max       int         `json:"max"`  // closing goes on until it holds no more
	Rule      string      `json:"rule"`
	Measured  int         `json:"measured"`
	Threshold int         `json:"threshold"`
}
