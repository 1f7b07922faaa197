package nlwire

import (
	"errors"
	"slices"
)

// Reasons why an answer is not whole; Incomplete knows them all. What was handed to the callback
// before is true, but what was not may exist all the same: the caller marks its result incomplete.
// Packages that read one part of the kernel return them too.
var (
	// ErrInterrupted is the kernel's own mark (NLM_F_DUMP_INTR): what was dumped changed under the
	// dump.
	ErrInterrupted = errors.New("the kernel marked the dump as interrupted")
	// ErrOverrun says that messages were lost for want of receive buffer (ENOBUFS, NLMSG_OVERRUN).
	ErrOverrun = errors.New("netlink messages were lost (receive buffer overrun)")
	// ErrTruncated says that a message was longer than our receive buffer.
	ErrTruncated = errors.New("a netlink message was longer than the receive buffer")
	// ErrMalformed says that an answer contradicts linux/netlink.h or the kernel's header of what
	// was asked for.
	ErrMalformed = errors.New("the kernel's answer could not be decoded")
	// ErrTimeout says that the kernel stayed silent for two seconds.
	ErrTimeout = errors.New("the kernel did not answer in time")
	// ErrStopped says that Request.Stop ended the dump.
	ErrStopped = errors.New("stopped by the caller")
)

// Incomplete reports whether err says that an answer is not whole: it matches ErrInterrupted,
// ErrOverrun, ErrTruncated, ErrMalformed, ErrTimeout or ErrStopped. What came is true all the same.
func Incomplete(err error) bool {
	return slices.ContainsFunc([]error{ErrInterrupted, ErrOverrun, ErrTruncated, ErrMalformed, ErrTimeout, ErrStopped},
		func(flaw error) bool { return errors.Is(err, flaw) })
}

// errBusy is a bug of the caller's, not a condition.
var errBusy = errors.New("the connection is in use: it takes one request at a time, and none from within a callback")
