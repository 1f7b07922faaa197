package setdump

import "ebbgate/internal/nlwire"

// Reasons why a dump is not whole. What was handed to the callback before was in the set, but an
// element that was not seen may be in it all the same.
var (
	// ErrInterrupted says that somebody changed the ruleset, this table or another, under the
	// dump. Elements which rules add or which time out are no change in this sense.
	ErrInterrupted = nlwire.ErrInterrupted
	// ErrOverrun says that messages were lost for want of receive buffer.
	ErrOverrun = nlwire.ErrOverrun
	// ErrTruncated says that a message was longer than our receive buffer.
	ErrTruncated = nlwire.ErrTruncated
	// ErrMalformed says that an answer contradicts linux/netfilter/nf_tables.h.
	ErrMalformed = nlwire.ErrMalformed
	// ErrTimeout says that the kernel stayed silent for two seconds.
	ErrTimeout = nlwire.ErrTimeout
	// ErrStopped says that Request.Stop ended the dump.
	ErrStopped = nlwire.ErrStopped
)
