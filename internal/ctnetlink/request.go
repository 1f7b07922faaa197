package ctnetlink

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Request says which entries a dump reports. The zero Request is all of them.
//
// As much of it as the kernel knows is decided there, where an entry that is not wanted costs a
// twentieth of one that is reported; the rest is decided here, so that the result is the same.
type Request struct {
	// Family is unix.AF_INET, unix.AF_INET6, or unix.AF_UNSPEC for both. With AF_UNSPEC the
	// kernel selects neither by Protocol nor by Port.
	Family uint8
	// Protocol is unix.IPPROTO_TCP, ...; 0 is every one.
	Protocol uint8
	// Port is the destination port of the original direction: the one that clients connect to,
	// whatever NAT makes of it. 0 is every one; others need Protocol to be TCP.
	Port uint16
	// Status are the values that the bits of Mask must have.
	Status, Mask Status
	// Stop, if not nil, is asked before each read of up to 32 KiB; true ends the dump with
	// nlwire.ErrStopped.
	Stop func() bool
}

// Bits of CTA_FILTER_ORIG_FLAGS, in net/netfilter/nf_internals.h. Those for addresses are left
// alone: the kernel's comparison of IPv6 addresses is inverted (ctnetlink_filter_match_tuple in
// net/netfilter/nf_conntrack_netlink.c), it reports all but the one that was asked for.
const (
	filterProtoNum = 1 << 3
	filterDestPort = 1 << 5

	ctaFilterOrigFlags = 1 // CTA_FILTER_ORIG_FLAGS, 32 bits in the host's order
)

// check refuses what has no meaning.
func (r *Request) check() error {
	switch r.Family {
	case unix.AF_UNSPEC, unix.AF_INET, unix.AF_INET6:
	default:
		return fmt.Errorf("family %d is not one of AF_UNSPEC, AF_INET, AF_INET6", r.Family)
	}
	if r.Port != 0 && r.Protocol != unix.IPPROTO_TCP {
		return fmt.Errorf("port %d of protocol %d: a port can be asked for with IPPROTO_TCP only", r.Port, r.Protocol)
	}
	if r.Status&^r.Mask != 0 {
		return fmt.Errorf("status %#x has bits which the mask %#x has not", uint32(r.Status), uint32(r.Mask))
	}
	return nil
}

// matches decides what a kernel without filters leaves to us.
func (r *Request) matches(e *Entry) bool {
	return (r.Family == unix.AF_UNSPEC || r.Family == e.Family) &&
		(r.Protocol == 0 || r.Protocol == e.Protocol) &&
		(r.Port == 0 || r.Port == e.Original.DestinationPort) &&
		e.Status&r.Mask == r.Status
}

// special reports whether the request has more than every kernel knows.
func (r *Request) special() bool {
	return r.Mask != 0 || r.Family != unix.AF_UNSPEC && r.Protocol != 0
}

// appendBody appends a struct nfgenmsg and, unless plain, what the kernel is to select by.
func (r *Request) appendBody(b []byte, plain bool) []byte {
	b = nlwire.AppendNetfilter(b, r.Family, 0)
	if plain {
		return b
	}
	if r.Mask != 0 {
		b = nlwire.AppendUint32(b, ctaStatus, uint32(r.Status))
		b = nlwire.AppendUint32(b, ctaStatusMask, uint32(r.Mask))
	}
	if r.Family == unix.AF_UNSPEC || r.Protocol == 0 {
		return b
	}
	flags := uint32(filterProtoNum)
	b, tuple := nlwire.Nest(b, ctaTupleOrig)
	b, proto := nlwire.Nest(b, ctaTupleProto)
	b = nlwire.AppendUint8(b, ctaProtoNum, r.Protocol)
	if r.Port != 0 {
		flags |= filterDestPort
		b = nlwire.AppendUint16(b, ctaProtoDestPort, r.Port)
	}
	nlwire.Seal(b, proto)
	nlwire.Seal(b, tuple)
	b, filter := nlwire.Nest(b, ctaFilter)
	b = nlwire.AppendBytes(b, ctaFilterOrigFlags, binary.NativeEndian.AppendUint32(nil, flags))
	nlwire.Seal(b, filter)
	return b
}
