package control

import (
	"net/netip"
	"time"
)

// The bounds of what an operator may block by hand.
const (
	DefaultBlockFor = time.Hour
	LongestBlock    = 30 * 24 * time.Hour
)

// BlockRequest is the body of POST /v1/block.
type BlockRequest struct {
	Prefix  string   `json:"prefix"`            // an address or a prefix
	For     Duration `json:"for,omitempty"`     // at most LongestBlock; 0: DefaultBlockFor
	Service string   `json:"service,omitempty"` // empty: all
	Reason  string   `json:"reason,omitempty"`  // at most MaxReason bytes, printable
}

// UnblockRequest is the body of POST /v1/unblock: whatever blocks the prefix or limits it ends, and its
// strikes are forgiven.
type UnblockRequest struct {
	Prefix  string `json:"prefix"`
	Service string `json:"service,omitempty"` // empty: all
}

// Blocked is the answer to both: the blocks that are in force now, or those that were ended.
type Blocked struct {
	Prefix netip.Prefix     `json:"prefix"`
	Blocks []BlockOfService `json:"blocks"` // by service; at most MaxBlocks of each
	Total  int              `json:"total"`  // all of them
	Freed  int              `json:"freed"`  // limits that were ended
	// Still says, in words, what keeps the order from having its whole effect: an exemption within a block,
	// a service in shadow mode, a block around a prefix that was freed; at most MaxStill.
	Still []string `json:"still"`
}

// BlockOfService is a block and the service it is of.
type BlockOfService struct {
	Service string `json:"service"`
	Block
}
