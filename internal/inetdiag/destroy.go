package inetdiag

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// mappedPrefix begins every IPv4-mapped address.
var mappedPrefix = []byte{10: 0xff, 11: 0xff}

// Destroy closes one socket, as Socket.Family and Socket.ID of a dump name it (SOCK_DESTROY). Its
// process gets ECONNABORTED, its peer a reset. Since the ID carries the cookie, another
// connection that has taken the same ports is safe. A connection that still waits in an accept
// queue is reset, but keeps its place in the queue until accept(2) takes it.
//
// ErrGone says that it was gone already and ErrNoDestroy that this kernel cannot do it. Needs
// CAP_NET_ADMIN.
func (c *Conn) Destroy(family uint8, id ID) error {
	if err := c.destroy(family, id); err != nil {
		return fmt.Errorf("destroy socket: %w", err)
	}
	return nil
}

func (c *Conn) destroy(family uint8, id ID) error {
	if family != unix.AF_INET && family != unix.AF_INET6 {
		return fmt.Errorf("family %d is neither AF_INET nor AF_INET6", family)
	}
	family, id = unmapID(family, id)
	c.body = appendRequestV2(c.body[:0], family, 0, ^States(0), &id)
	return destroyError(c.nl.Do(&nlwire.Request{Type: sockDestroy, Body: c.body}, nil), c.destroyNone)
}

// destroyNone has the kernel destroy a connection that cannot be, from port 0 to port 0 of no address: ENOENT says
// that it would have destroyed another.
func (c *Conn) destroyNone() error {
	c.body = appendRequestV2(c.body[:0], unix.AF_INET, 0, ^States(0), &ID{})
	return c.nl.Do(&nlwire.Request{Type: sockDestroy, Body: c.body}, nil)
}

// unmapID turns the ID of a connection which a dual-stack socket holds with an IPv4 peer into the
// AF_INET form, under which the kernel looks it up.
func unmapID(family uint8, id ID) (uint8, ID) {
	if family != unix.AF_INET6 || !bytes.HasPrefix(id[idSrc:], mappedPrefix) || !bytes.HasPrefix(id[idDst:], mappedPrefix) {
		return family, id
	}
	var v4 ID
	copy(v4[:idSrc], id[:idSrc])
	copy(v4[idSrc:], id[idSrc+12:idSrc+16])
	copy(v4[idDst:], id[idDst+12:idDst+16])
	copy(v4[idIface:], id[idIface:])
	return unix.AF_INET, v4
}
