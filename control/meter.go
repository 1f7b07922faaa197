package control

import (
	"cmp"
	"net/netip"
	"slices"
)

// MaxMetered bounds the sources of a meter that a Status lists.
const MaxMetered = 20

// Endings tells of connections that ended, in the latest second that was counted. Their handshakes
// were completed, so nobody can be named here by another's doing.
type Endings struct {
	PerS     Rate    `json:"per_s"`
	Sources  int     `json:"sources"`
	Complete bool    `json:"complete"` // false: some were missed, and figures are lower bounds
	Top      []Ended `json:"top"`      // the MaxMetered sources with most
}

// Ended is one source of Endings.
type Ended struct {
	Source netip.Prefix `json:"source"`
	PerS   Rate         `json:"per_s"`
}

// SYNMeter is the kernel's meter of SYNs. SYNs can be forged: its sources did not necessarily send
// what is counted in their name, and nothing is done to them because of it.
type SYNMeter struct {
	Max           int       `json:"max_per_s"` // above it a source is listed
	PerS          Rate      `json:"per_s"`
	OverPerS      Rate      `json:"over_per_s"`      // beyond the rate of their source
	UnmeteredPerS Rate      `json:"unmetered_per_s"` // from more sources than can be told apart: forged at random
	Sources       int       `json:"sources"`         // listed now
	UnlistedPerS  Rate      `json:"unlisted_per_s"`  // of those beyond the rate, from more sources than the list has room for
	ProvenFull    bool      `json:"proven_full"`     // so many clients came that none can be told from a stranger
	Top           []Flooder `json:"top"`             // the MaxMetered with most
}

// Flooder is a source in whose name more SYNs come than it may send.
type Flooder struct {
	Source netip.Prefix `json:"source"`
	Over   uint64       `json:"over"`   // SYNs beyond the rate since it is listed
	Proven bool         `json:"proven"` // completed a handshake in the last ten minutes
}

// MostEnded returns the MaxMetered sources with the highest rate, sorted by it. The input's order
// is not kept.
func MostEnded(all []Ended) []Ended {
	slices.SortFunc(all, func(a, b Ended) int {
		return cmp.Or(cmp.Compare(b.PerS, a.PerS), a.Source.Addr().Compare(b.Source.Addr()))
	})
	return all[:min(len(all), MaxMetered)]
}

// WorstFlooders returns the MaxMetered sources with most SYNs, sorted by them. The input's order is
// not kept.
func WorstFlooders(all []Flooder) []Flooder {
	slices.SortFunc(all, func(a, b Flooder) int {
		return cmp.Or(cmp.Compare(b.Over, a.Over), a.Source.Addr().Compare(b.Source.Addr()))
	})
	return all[:min(len(all), MaxMetered)]
}
