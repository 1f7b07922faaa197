package control

import (
	"net/netip"

	"ebbgate/policy"
)

// Explanation is everything that holds for one address at one moment, and why.
type Explanation struct {
	At       Time                 `json:"at"`
	Address  netip.Addr           `json:"address"`
	Own      bool                 `json:"own"`    // it is one of this host's: over lo it is neither counted nor limited
	Exempt   []string             `json:"exempt"` // why it is exempt of every service, in words; empty: it is not
	Services []ServiceExplanation `json:"services"`
}

// ServiceExplanation is what holds for the address at one service.
type ServiceExplanation struct {
	Service string       `json:"service"`
	Mode    policy.Mode  `json:"mode"`
	Exempt  []string     `json:"exempt"`        // why it is exempt of this service alone
	Partly  bool         `json:"exempt_partly"` // what exempts it does so on sshd's ports alone, and the service has others
	Source  netip.Prefix `json:"source"`        // what its connections count for

	Known   bool   `json:"held_known"` // a census tells what the source holds
	Held    int    `json:"held"`
	Counted Time   `json:"counted"`   // when the census began
	Max     int    `json:"max"`       // what it may hold; 0: no limit
	MaxRule string `json:"max_rule"`  // the key that says so
	Due     bool   `json:"limit_due"` // it holds as much, and no limit is in force, as after an unblock: the next census that finds so raises it

	PerS     *Rate  `json:"new_per_s"`     // connections it opened a second; null: not counted now
	MaxRate  int    `json:"max_new_per_s"` // 0: no limit
	RateRule string `json:"new_rule"`

	SYNsOver uint64 `json:"syns_over"` // SYNs beyond its rate, as the SYN meter lists them now; 0: it does not
	Proven   bool   `json:"proven"`    // the meter's source completed a handshake in the last ten minutes
	Dropped  bool   `json:"dropped"`   // its SYNs beyond the rate are dropped now

	Prefixes []PrefixExplanation `json:"prefixes"` // those with a limit of their own, the longest first
	Limits   []Limit             `json:"limits"`   // in force that cover it
	Watched  bool                `json:"watched"`  // the kernel counts its connections
	Blocks   []Block             `json:"blocks"`   // in force that cover it

	Strikes  int      `json:"strikes"`  // blocks that are remembered, the one in force included
	Forgiven Time     `json:"forgiven"` // when one of them will be forgiven; null: there are none
	NextFor  Duration `json:"next_for"` // how long the next block would last; 0: it is never blocked

	Next []string `json:"next"` // what would happen next, in words
}

// PrefixExplanation is what one prefix around the address holds.
type PrefixExplanation struct {
	Prefix  netip.Prefix `json:"prefix"`
	Held    int          `json:"held"`
	Sources int          `json:"sources"`
	Max     int          `json:"max"`
}
