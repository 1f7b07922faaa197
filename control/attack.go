package control

import (
	"net/netip"

	"ebbgate/policy"
)

// Attack is one attack of one kind on one service, open or ended.
type Attack struct {
	ID        string      `json:"id"`
	Service   string      `json:"service"`
	Kind      policy.Kind `json:"kind"` // "connection-flood", ...
	Mode      policy.Mode `json:"mode"` // of the service when it began
	Since     Time        `json:"since"`
	FirstRule Time        `json:"first_rule"` // when the kernel first had a rule against it; null: not yet, or never

	// Evidence is what it was recognised by, in words; Rule, Measured and Threshold are the same as
	// a policy key and two figures in its unit.
	Evidence  string `json:"evidence"`
	Rule      string `json:"rule"`
	Measured  int    `json:"measured"`
	Threshold int    `json:"threshold"`
	Why       string `json:"why"` // what it is and what would help, where figures do not say so; else empty

	PeakHeld    int `json:"peak_held"`    // most connections the service held, of all sources
	PeakSources int `json:"peak_sources"` // most sources answered at once
	PeakRate    int `json:"peak_rate"`    // most new connections or SYNs a second, by kind; else 0
	Excess      int `json:"excess"`       // connections beyond their limits that were to be closed; in shadow mode: would have been
	Blocked     int `json:"blocked"`      // blocks begun for it; in shadow mode: would have been

	Top         []PrefixCount `json:"top"`          // at the peak of all that were answered, the prefixes that held most; of churn, that opened most
	Changes     []Change      `json:"changes"`      // of the response, and what the operator did meanwhile, the oldest first
	ChangesLost int           `json:"changes_lost"` // left out between the first and the newest ones

	Policy *AttackPolicy `json:"policy"` // of the service when it began; null: not kept

	Ended    Time   `json:"ended"` // null: it is open
	EndedWhy string `json:"ended_why"`
}

// PrefixCount is what the sources within one prefix held of a service.
type PrefixCount struct {
	Prefix  netip.Prefix `json:"prefix"`
	Sources int          `json:"sources"`
	Held    int          `json:"held"`
	PerS    int          `json:"new_per_s"` // of churn: connections they opened a second; else 0
}

// Change is one change of the response to an attack, or something the operator did while it was open.
type Change struct {
	At    Time   `json:"at"`
	What  string `json:"what"`  // "sources limited", "share lowered to 3", ...
	Count int    `json:"count"` // how many sources or prefixes; 0 where that says nothing
	Why   string `json:"why"`

	Source netip.Prefix `json:"source"`  // the one it is about; empty: several, or the whole service
	ByHand bool         `json:"by_hand"` // the operator did it, or it follows from that: a mode's time is over
}

// MaxEnded bounds the ended attacks the daemon tells of.
const MaxEnded = 100

// Attacks are the attacks the daemon knows of.
type Attacks struct {
	At      Time     `json:"at"`
	Attacks []Attack `json:"attacks"` // the newest first; if none are asked for in particular all that are open and the MaxEnded that ended last
	More    bool     `json:"more"`    // older ones are kept
}
