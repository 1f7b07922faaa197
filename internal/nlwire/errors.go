package nlwire

import "errors"

// Reasons why an answer is not whole. What was handed to the callback before is true, but what was
// not may exist all the same: the caller marks its result incomplete.
var (
	// ErrInterrupted is the kernel's own mark (NLM_F_DUMP_INTR): what was dumped changed under the
	// dump.
	ErrInterrupted = errors.New("the kernel marked the dump as interrupted")
	// ErrOverrun says that messages were lost for want of receive buffer (ENOBUFS, NLMSG_OVERRUN).
	ErrOverrun = errors.New("netlink messages were lost (receive buffer overrun)")
	// ErrTruncated says that a message was longer than our receive buffer.
	ErrTruncated = errors.New("a netlink message was longer than the receive buffer")
	// ErrMalformed says that an answer contradicts linux/netlink.h or the header of its subsystem.
	ErrMalformed = errors.New("the kernel's answer could not be decoded")
	// ErrTimeout says that the kernel stayed silent for the receive time-out.
	ErrTimeout = errors.New("the kernel did not answer in time")
	// ErrStopped says that Request.Stop ended the dump.
	ErrStopped = errors.New("stopped by the caller")
)

// errBusy is a bug of the caller's, not a condition.
var errBusy = errors.New("the connection is in use: it takes one request at a time, and none from within a callback")
