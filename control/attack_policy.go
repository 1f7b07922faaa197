package control

import (
	"time"

	"ebbgate/policy"
)

// AttackPolicy is what the policy said of a service when an attack on it began, by the names of its keys.
type AttackPolicy struct {
	Capacity     int           `json:"capacity"`       // connections; 0: not known
	PerSource    int           `json:"per_source"`     // connections; 0: no limit
	PerPrefix    []PrefixLimit `json:"per_prefix"`     // IPv4 first, the longest first
	NewPerSource int           `json:"new_per_source"` // connections a second; 0: no limit
	SYNPerSource int           `json:"syn_per_source"` // SYNs a second; 0: no limit
	CloseExcess  bool          `json:"close_excess"`
	Lease        Duration      `json:"lease"`
	Quiet        Duration      `json:"quiet"`
	BlockAfter   Duration      `json:"block_after"` // 0: nobody is blocked
	BlockFor     []Duration    `json:"block_for"`   // the first block, the second, ...
}

// PrefixLimit is what all sources within any one prefix of a length may hold together: one of IPv4 and IPv6
// is the length, the other 0 and left out.
type PrefixLimit struct {
	IPv4  int `json:"ipv4,omitempty"`
	IPv6  int `json:"ipv6,omitempty"`
	Limit int `json:"limit"` // connections
}

func prefixLimitOf(p policy.PrefixLimit) PrefixLimit {
	if p.IPv6 {
		return PrefixLimit{IPv6: p.Bits, Limit: p.Max}
	}
	return PrefixLimit{IPv4: p.Bits, Limit: p.Max}
}

// AttackPolicyOf returns the wire form of what a policy says of a service.
func AttackPolicyOf(s *policy.Service) *AttackPolicy {
	out := &AttackPolicy{
		Capacity: s.Capacity, PerSource: s.Connections.PerSource, PerPrefix: make([]PrefixLimit, 0, len(s.Connections.PerPrefix)),
		NewPerSource: s.Rate.NewPerSource, SYNPerSource: s.Rate.SYNPerSource, CloseExcess: s.Connections.CloseExcess,
		Lease: Duration(s.Response.Lease), Quiet: Duration(s.Response.Quiet), BlockAfter: Duration(s.Response.BlockAfter),
		BlockFor: make([]Duration, 0, len(s.Response.BlockFor)),
	}
	for _, p := range s.Connections.PerPrefix {
		out.PerPrefix = append(out.PerPrefix, prefixLimitOf(p))
	}
	for _, d := range s.Response.BlockFor {
		out.BlockFor = append(out.BlockFor, Duration(d))
	}
	return out
}

// String writes a duration as the policy file does: 10s, 2m30s, 1h.
func (d Duration) String() string { return policy.Brief(time.Duration(d)) }
