package control

import (
	"net/netip"
	"time"

	"ebbgate/policy"
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
	Blocks []BlockOfService `json:"blocks"` // by service
	Freed  int              `json:"freed"`  // limits that were ended
	// Still says, in words, what keeps the order from having its whole effect: an exemption within a block,
	// a block around a prefix that was freed.
	Still []string `json:"still"`
}

// BlockOfService is a block and the service it is of.
type BlockOfService struct {
	Service string `json:"service"`
	Block
}

// ModeRequest is the body of POST /v1/mode.
type ModeRequest struct {
	Mode    policy.Mode `json:"mode"`
	Service string      `json:"service,omitempty"` // empty: all
	For     Duration    `json:"for,omitempty"`     // then back by itself unless confirmed; 0: until the next reload or restart
}

// Moded is the answer: the modes that hold now.
type Moded struct {
	Services []ServiceMode `json:"services"` // by name
}

// ServiceMode is the mode of one service.
type ServiceMode struct {
	Service string      `json:"service"`
	Mode    policy.Mode `json:"mode"`   // in force
	Policy  policy.Mode `json:"policy"` // of the policy file
	ByHand  bool        `json:"by_hand"`
	Until   Time        `json:"until"` // then the policy's; null: until the next reload or restart
	Left    Duration    `json:"left"`
}
