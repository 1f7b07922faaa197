package ctnetlink

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNoConntrack says that this kernel has no conntrack that can be read. errors.Is finds it in
// what Open, Dump and Stats return.
var ErrNoConntrack = errors.New("this kernel has no conntrack to read (CONFIG_NF_CT_NETLINK; modprobe nf_conntrack_netlink)")

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
