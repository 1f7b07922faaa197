package inetdiag

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Reasons why a dump is not whole. What was handed to the callback before is true, but a socket
// that was not seen may exist all the same: the caller marks its result incomplete.
var (
	// ErrInterrupted is the kernel's own mark (NLM_F_DUMP_INTR): the table changed under the dump.
	ErrInterrupted = nlwire.ErrInterrupted
	// ErrOverrun says that messages were lost for want of receive buffer.
	ErrOverrun = nlwire.ErrOverrun
	// ErrTruncated says that a message was longer than our receive buffer.
	ErrTruncated = nlwire.ErrTruncated
	// ErrMalformed says that an answer contradicts linux/netlink.h or linux/inet_diag.h.
	ErrMalformed = nlwire.ErrMalformed
	// ErrTimeout says that the kernel stayed silent for two seconds.
	ErrTimeout = nlwire.ErrTimeout
	// ErrStopped says that Request.Stop ended the dump.
	ErrStopped = nlwire.ErrStopped
)

// Outcomes of Destroy a caller reacts to.
var (
	// ErrGone says that no such socket exists any more: what was wanted holds already.
	ErrGone = errors.New("the socket is gone already")
	// ErrNoDestroy says that this kernel cannot destroy sockets at all.
	ErrNoDestroy = errors.New("this kernel cannot destroy sockets: it was built without CONFIG_INET_DIAG_DESTROY (4.5 and newer have it)")
)

// destroyError turns the kernel's answer to SOCK_DESTROY into what a caller can act on.
func destroyError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return ErrGone
	case errors.Is(err, unix.EOPNOTSUPP):
		return ErrNoDestroy
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("CAP_NET_ADMIN is needed: %w", err)
	}
	return err
}
