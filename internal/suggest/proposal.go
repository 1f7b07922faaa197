package suggest

import (
	"net/netip"
	"time"
)

const (
	// maxNotes bounds the notes of a proposal.
	maxNotes = 16
	// maxHeavy bounds the heavy sources named for one service.
	maxHeavy = 16
)

// Proposal is what is proposed for a host. Its JSON is stable: fields may be added, none changes.
type Proposal struct {
	From       time.Time `json:"from"`       // of the first observation
	To         time.Time `json:"to"`         // of the last one
	Seconds    float64   `json:"seconds"`    // between them, by a clock that never steps
	Censuses   int       `json:"censuses"`   // whole ones, that count
	Incomplete int       `json:"incomplete"` // others, that do not
	Attack     bool      `json:"attack"`     // there are signs of one: the figures are not normal
	Notes      []string  `json:"notes"`      // what to know before trusting the figures
	Services   []Service `json:"services"`
	TOML       string    `json:"toml"` // the snippet of a policy
}

// Service is what is proposed for one service.
type Service struct {
	Service   string       `json:"service"`
	Ports     []string     `json:"ports"` // as "443" or "8000-8010"
	Addresses []netip.Addr `json:"addresses"`
	Traffic   string       `json:"traffic"`

	Censuses  int `json:"censuses"`   // in which it was counted
	Sources   int `json:"sources"`    // different ones with a connection; those that are exempt or have an override do not count
	PeakHeld  int `json:"peak_held"`  // connections of all sources
	Attacks   int `json:"attacks"`    // censuses while an attack on it was open
	SpansSeen int `json:"spans_seen"` // spans of sustained figures

	Capacity      Capacity `json:"capacity"`
	PerSource     Figure   `json:"per_source"`
	PerPrefixIPv4 Figure   `json:"per_prefix_ipv4"` // of a /24
	PerPrefixIPv6 Figure   `json:"per_prefix_ipv6"` // of a /48
	NewPerSource  Figure   `json:"new_per_source"`  // a second
	SYNPerSource  Figure   `json:"syn_per_source"`  // a second; derived from NewPerSource
	Heavy         []Heavy  `json:"heavy"`           // at most maxHeavy, the heaviest first
	HeavyTotal    int      `json:"heavy_total"`

	ports string // as in TOML
	lower bool   // rates are lower bounds
	cut   bool   // sources are more than were kept
}

// Figure is one limit: what is proposed, and what it is made of. Heavy sources are not in it.
type Figure struct {
	Proposed  int           `json:"proposed,omitempty"` // 0: nothing
	Sustained int           `json:"sustained"`          // highest of any ordinary source or prefix
	By        *netip.Prefix `json:"by,omitempty"`
	Seen      *time.Time    `json:"seen,omitempty"`
	Peak      int           `json:"peak"` // highest at one moment
	PeakBy    *netip.Prefix `json:"peak_by,omitempty"`
	Of        int           `json:"of"`            // how many sources or prefixes were seen
	Why       string        `json:"why,omitempty"` // nothing is proposed
}

// Heavy is a source, or a whole prefix, far beyond all others: likely a proxy, an office or carrier NAT.
type Heavy struct {
	Source    netip.Prefix `json:"source"`
	Sustained int          `json:"sustained"`
	Peak      int          `json:"peak"`
	New       int          `json:"new"`   // completed connections a second
	Share     int          `json:"share"` // percent of the service's PeakHeld that Peak is; of a rate 0

	// What an override for it would say; 0: as for all.
	PerSource    int `json:"per_source,omitempty"`
	NewPerSource int `json:"new_per_source,omitempty"`
}
