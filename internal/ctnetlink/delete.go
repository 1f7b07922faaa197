package ctnetlink

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// MaxBatch is how many entries Delete deletes at most.
const MaxBatch = nlwire.MaxBatch

// ErrGone says that the kernel has no such entry any more: what was wanted holds already. Another
// connection may have taken its addresses and ports.
var ErrGone = errors.New("the entry is gone already")

const deleteEntry = unix.NFNL_SUBSYS_CTNETLINK<<8 | 2 // IPCTNL_MSG_CT_DELETE

// Delete has the kernel forget up to MaxBatch entries, in one system call. Each is named by its
// original direction, its zone and its ID, so that another connection that has taken the same
// addresses and ports is safe, unless the kernel has put it at the same place in memory: the ID is
// made of that and of the tuples (nf_ct_get_id in net/netfilter/nf_conntrack_core.c). It calls each with the number of every one that was not deleted and
// the reason: ErrGone is no failure. All others were.
//
// The entries need their Family, Protocol, Original, Zone and ID only. One without an ID is refused
// before anything is sent: without it the kernel would take whatever has the tuple, and without a
// tuple all there is.
//
// To forget a connection does not end it. The kernel takes it up anew with its next packet, with or
// without translation, if nothing keeps that packet away (nf_conntrack_tcp_loose).
//
// With an error of its own nothing is known of those it did not call each for. Needs CAP_NET_ADMIN.
func (c *Conn) Delete(entries []Entry, each func(i int, err error)) error {
	if err := c.delete(entries, each); err != nil {
		return fmt.Errorf("delete conntrack entries: %w", err)
	}
	return nil
}

func (c *Conn) delete(entries []Entry, each func(i int, err error)) error {
	if len(entries) > MaxBatch {
		return fmt.Errorf("%d at once: at most %d are allowed", len(entries), MaxBatch)
	}
	c.body, c.bodies = c.body[:0], c.bodies[:0]
	ends := make([]int, 0, len(entries))
	for i := range entries {
		if err := entries[i].named(); err != nil {
			return err
		}
		c.body = entries[i].appendName(c.body)
		ends = append(ends, len(c.body))
	}
	start := 0
	for _, end := range ends {
		c.bodies = append(c.bodies, c.body[start:end:end])
		start = end
	}
	return explain(c.nl.Batch(deleteEntry, c.bodies, func(i int, errno unix.Errno) {
		each(i, deleteError(errno))
	}))
}

// deleteError turns the kernel's answer into what a caller can act on. An entry on its way out can no
// longer be found.
func deleteError(errno unix.Errno) error {
	if errno == unix.ENOENT {
		return ErrGone
	}
	return explain(errno)
}

// named refuses an entry that is not named in full.
func (e *Entry) named() error {
	switch {
	case e.Family != unix.AF_INET && e.Family != unix.AF_INET6:
		return fmt.Errorf("family %d is neither AF_INET nor AF_INET6", e.Family)
	case e.Protocol != unix.IPPROTO_TCP:
		return fmt.Errorf("protocol %d: only entries of TCP are deleted", e.Protocol)
	case e.ID == 0:
		return fmt.Errorf("%s to %s has no ID, without which another connection could be meant", e.Original.From(), e.Original.To())
	}
	return nil
}

// appendName appends a struct nfgenmsg and the attributes that name the entry.
func (e *Entry) appendName(b []byte) []byte {
	b = nlwire.AppendNetfilter(b, e.Family, 0)
	b, tuple := nlwire.Nest(b, ctaTupleOrig)
	b = e.Original.appendTo(b, e.Family, e.Protocol)
	nlwire.Seal(b, tuple)
	b = nlwire.AppendUint32(b, ctaID, e.ID)
	if e.Zone != 0 {
		b = nlwire.AppendUint16(b, ctaZone, e.Zone)
	}
	return b
}

// appendTo appends the content of a CTA_TUPLE.
func (t *Tuple) appendTo(b []byte, family, protocol uint8) []byte {
	b, ip := nlwire.Nest(b, ctaTupleIP)
	if family == unix.AF_INET {
		b = nlwire.AppendBytes(b, ctaIPv4Source, t.Source[12:])
		b = nlwire.AppendBytes(b, ctaIPv4Dest, t.Destination[12:])
	} else {
		b = nlwire.AppendBytes(b, ctaIPv6Source, t.Source[:])
		b = nlwire.AppendBytes(b, ctaIPv6Dest, t.Destination[:])
	}
	nlwire.Seal(b, ip)
	b, proto := nlwire.Nest(b, ctaTupleProto)
	b = nlwire.AppendUint8(b, ctaProtoNum, protocol)
	b = nlwire.AppendUint16(b, ctaProtoSourcePort, t.SourcePort)
	b = nlwire.AppendUint16(b, ctaProtoDestPort, t.DestinationPort)
	nlwire.Seal(b, proto)
	return b
}
