package systemd

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Store gives the service manager a copy of a descriptor, which it keeps under the name while the
// service crashes and restarts, and hands back to the next run (FDSTORE=1 of sd_notify(3)); see
// TakeStored. It closes the copy when the service stops for good. What it has already it does not
// keep twice. The descriptor stays the caller's. Without a service manager nothing happens; one that
// stores nothing for this unit (FileDescriptorStoreMax=0) does not say so. After ErrStuck it is still to
// come, see Notifier; after any other error it is not tried again.
func (n *Notifier) Store(fd int, name string) error {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	// The delivery may take longer than the caller keeps the descriptor.
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("store descriptor %q: %w", name, err)
	}
	// FDPOLL=0: a socket with something to read, or at its end, is to be kept all the same.
	state := "FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0"
	return notifyError(n.out.send(message{
		kind: "FDSTORE " + name,
		deliver: func() error {
			if err := pass(state, dup); err != nil {
				return fmt.Errorf("store descriptor %q: %w", name, err)
			}
			return nil
		},
		once:    true,
		release: func() { _ = unix.Close(dup) },
	}))
}

// Forget makes the service manager close what it keeps under a name. Where it keeps nothing, or
// there is no service manager, nothing happens.
func (n *Notifier) Forget(name string) error {
	return n.send("FDSTOREREMOVE "+name, "FDSTOREREMOVE=1\nFDNAME="+name)
}

// pass sends a message with a descriptor. The socket is not connected, as sendmsg(2) wants the
// address beside the descriptor.
func pass(state string, fd int) error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open unix socket: %w", err)
	}
	defer unix.Close(s)
	return sendmsg(s, os.Getenv("NOTIFY_SOCKET"), []byte(state), unix.UnixRights(fd))
}

// sendmsg sends a message, descriptors with it, over a socket that is not connected.
func sendmsg(fd int, path string, data, rights []byte) error {
	for {
		err := unix.Sendmsg(fd, data, rights, &unix.SockaddrUnix{Name: path}, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}
