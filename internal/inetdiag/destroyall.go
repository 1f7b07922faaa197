package inetdiag

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// MaxBatch is how many sockets DestroyAll destroys at most.
const MaxBatch = nlwire.MaxBatch

// Named is a socket as Socket.Family and Socket.ID of a dump name it.
type Named struct {
	Family uint8
	ID     ID
}

// DestroyAll is Destroy for up to MaxBatch sockets, in one system call. It calls each with the number
// of every socket that was not destroyed and the reason, which is as Destroy returns it: ErrGone is
// no failure. All others were destroyed.
//
// With an error of its own nothing is known of those it did not call each for: they may have been
// destroyed or not.
func (c *Conn) DestroyAll(socks []Named, each func(i int, err error)) error {
	if err := c.destroyAll(socks, each); err != nil {
		return fmt.Errorf("destroy sockets: %w", err)
	}
	return nil
}

func (c *Conn) destroyAll(socks []Named, each func(i int, err error)) error {
	if len(socks) > MaxBatch {
		return fmt.Errorf("%d at once: at most %d are allowed", len(socks), MaxBatch)
	}
	const size = 8 + sockidLen // of a struct inet_diag_req_v2
	if cap(c.body) < len(socks)*size {
		c.body = make([]byte, 0, MaxBatch*size)
	}
	c.body, c.bodies = c.body[:0], c.bodies[:0]
	for i := range socks {
		family, id := unmapID(socks[i].Family, socks[i].ID)
		if family != unix.AF_INET && family != unix.AF_INET6 {
			return fmt.Errorf("family %d is neither AF_INET nor AF_INET6", family)
		}
		from := len(c.body)
		c.body = appendRequestV2(c.body, family, 0, ^States(0), &id)
		c.bodies = append(c.bodies, c.body[from:len(c.body):len(c.body)])
	}
	var unclear []int // which is found out once the batch is answered
	err := c.nl.Batch(sockDestroy, c.bodies, func(i int, errno unix.Errno) {
		if errno == unix.EOPNOTSUPP {
			unclear = append(unclear, i)
			return
		}
		each(i, destroyError(errno, c.destroyNone))
	})
	if err != nil || len(unclear) == 0 {
		return err
	}
	why := destroyError(unix.EOPNOTSUPP, c.destroyNone)
	for _, i := range unclear {
		each(i, why)
	}
	return nil
}
