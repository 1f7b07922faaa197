package ctnetlink

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// ErrNoConntrack says that this kernel has no conntrack that can be read. errors.Is finds it in
// what Open, Dump and Stats return.
var ErrNoConntrack = errors.New("this kernel has no conntrack to read (CONFIG_NF_CT_NETLINK; modprobe nf_conntrack_netlink)")

// Reasons why a dump is not whole. What was handed to the callback before is true, but an entry
// that was not seen may exist all the same: the caller marks its result incomplete.
var (
	// ErrInterrupted is the kernel's own mark. No kernel up to 6.18 sets it on a conntrack dump.
	ErrInterrupted = nlwire.ErrInterrupted
	// ErrOverrun says that messages were lost for want of receive buffer.
	ErrOverrun = nlwire.ErrOverrun
	// ErrTruncated says that a message was longer than our receive buffer.
	ErrTruncated = nlwire.ErrTruncated
	// ErrMalformed says that an answer contradicts linux/netfilter/nfnetlink_conntrack.h.
	ErrMalformed = nlwire.ErrMalformed
	// ErrTimeout says that the kernel stayed silent for two seconds.
	ErrTimeout = nlwire.ErrTimeout
	// ErrStopped says that Request.Stop ended the dump.
	ErrStopped = nlwire.ErrStopped
)

// refused reports whether the kernel does not understand a request. nfnetlink says EINVAL as well
// where nothing listens to the subsystem (nfnetlink_rcv_msg in net/netfilter/nfnetlink.c).
func refused(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}

// explain names the condition behind an answer to a request that asks for nothing special.
func explain(err error) error {
	switch {
	case refused(err), errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("%w: %w", ErrNoConntrack, err)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("CAP_NET_ADMIN is needed: %w", err)
	}
	return err
}
