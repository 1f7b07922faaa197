package control

import (
	"net/netip"
	"time"
)

// The bounds of what an operator may exempt while the daemon runs. What is to last belongs into the
// policy file.
const (
	MaxExempt        = 1000 // in force at once
	MaxReason        = 200  // bytes
	MaxStill         = 10   // exemptions named that outlast one which was ended
	DefaultExemptFor = 24 * time.Hour
	LongestExempt    = 30 * 24 * time.Hour

	// WidestIPv4 and WidestIPv6 are the least prefix lengths: a slip of the finger must not exempt
	// half the Internet.
	WidestIPv4 = 8
	WidestIPv6 = 16
)

// Exempt frees a prefix from every answer per source, because the operator said so while the daemon
// ran. Those of the policy file are not listed.
type Exempt struct {
	Prefix  netip.Prefix `json:"prefix"`
	Service string       `json:"service"` // empty: of all services
	Since   Time         `json:"since"`
	Until   Time         `json:"until"` // null: until the daemon ends
	Left    Duration     `json:"left"`  // 0 where Until is null
	Reason  string       `json:"reason"`
}

// Admins are the logged-in administrators, who are exempt on the ports sshd listens on and on no
// other.
type Admins struct {
	Ports     []uint16     `json:"ports"`
	Addresses []netip.Addr `json:"addresses"` // logged in now or within the last ten minutes
}

// ExemptRequest is the body of POST /v1/exempt.
type ExemptRequest struct {
	Prefix  string   `json:"prefix"`            // an address or a prefix
	For     Duration `json:"for,omitempty"`     // at most LongestExempt; 0: DefaultExemptFor
	Service string   `json:"service,omitempty"` // empty: all
	Reason  string   `json:"reason,omitempty"`  // at most MaxReason bytes, printable
}

// UnexemptRequest is the body of POST /v1/unexempt. Both fields must be those of the exemption.
type UnexemptRequest struct {
	Prefix  string `json:"prefix"`
	Service string `json:"service,omitempty"`
}

// Exempted is the answer to both: the exemption that is now in force, or the one that was ended.
type Exempted struct {
	Exempt   Exempt `json:"exempt"`
	Replaced bool   `json:"replaced"` // one of the same prefix and service was in force before

	// Still says, in words, by what else the prefix is exempt after its exemption was ended, at one
	// service at least; at most MaxStill.
	Still []string `json:"still"`
}
