package policy

import (
	"net/netip"
	"time"
)

// Explanation is everything that holds for one address, and why (P12).
type Explanation struct {
	Addr     netip.Addr
	Exempt   []string // why it is exempt of every service, in words; empty: it is not
	Services []ServiceExplanation
}

// ServiceExplanation is what holds for the address at one service.
type ServiceExplanation struct {
	Service string
	Mode    Mode
	Exempt  []string     // why it is exempt of this service alone
	Partly  bool         // what exempts it does so on sshd's ports alone, and the service has others
	Source  netip.Prefix // what its connections count for

	Known   bool    // a census tells what the source holds
	Held    int     // by that census
	Counted Instant // when that was
	Max     int     // what it may hold; 0: no limit
	Rule    string  // the key that says so
	Due     bool    // it holds as much, and no limit is in force: the next census that finds so raises it

	RateKnown bool    // a count of what ends tells how fast it opens connections
	Rate      float64 // completed connections a second
	MaxRate   int     // 0: no limit
	RateRule  string

	SYNsOver uint64 // SYNs beyond its rate, as the SYN meter lists them now; 0: it does not
	Proven   bool   // the meter's source completed a handshake in the last ten minutes

	Prefixes []PrefixExplanation // those with a limit of their own, the longest first
	Limits   []Limit             // in force that cover it
	Watched  bool
	Blocks   []Block // in force that cover it
	Dropped  bool    // its SYNs over the rate are dropped now

	Strikes  int           // blocks that are remembered, the one in force included
	Forgiven Instant       // when one of them will be forgiven; 0: there are none
	NextFor  time.Duration // how long the next block would last, before jitter; 0: it is never blocked

	Next []string // what would happen next, in words
}

// PrefixExplanation is what one prefix around the address holds.
type PrefixExplanation struct {
	Prefix  netip.Prefix
	Held    int
	Sources int
	Max     int
}

// Sight is the newest of what was counted, for explaining.
type Sight struct {
	Census  Census
	Endings Endings
	SYNs    []SYNMeter
}
