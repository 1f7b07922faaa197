package nlwire

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Send writes messages to a netlink socket that talks to the kernel, in one piece: the kernel takes
// all of them or, with an error, none. It works them off within the call, which no signal interrupts
// once it has begun, so that to try again after EINTR, which it does up to a hundred times, repeats nothing.
// The errno of a refusal is returned as it is.
func Send(fd int, b []byte) error {
	for try := 1; ; try++ {
		n, err := unix.Write(fd, b)
		switch {
		case err == unix.EINTR && try < mostTries:
			continue
		case err != nil:
			return err
		case n != len(b):
			return fmt.Errorf("%d of %d bytes were taken", n, len(b))
		}
		return nil
	}
}
