package inetdiag

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Outcomes of Destroy a caller reacts to.
var (
	// ErrGone says that no such socket exists any more, or nothing but its TIME_WAIT: what was wanted holds already.
	ErrGone = errors.New("the socket is gone already")
	// ErrNoDestroy says that this kernel cannot destroy sockets at all.
	ErrNoDestroy = errors.New("this kernel cannot destroy sockets: it was built without CONFIG_INET_DIAG_DESTROY (4.5 and newer have it)")
)

// destroyError turns the kernel's answer to SOCK_DESTROY into what a caller can act on. Older kernels, 5.10 among
// them, answer EOPNOTSUPP of a connection that has come to TIME_WAIT since it was dumped, as all do of any that were
// built without: then probe tells which, by the answer for a socket that cannot be.
func destroyError(err error, probe func() error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return ErrGone
	case errors.Is(err, unix.EOPNOTSUPP):
		if errors.Is(probe(), unix.ENOENT) {
			return ErrGone
		}
		return ErrNoDestroy
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("CAP_NET_ADMIN is needed: %w", err)
	}
	return err
}
