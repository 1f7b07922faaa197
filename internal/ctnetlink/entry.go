package ctnetlink

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Entry is one tracked connection. The Entry a callback is given is reused for the next one: copy
// what is to be kept.
type Entry struct {
	Family   uint8 // unix.AF_INET or unix.AF_INET6
	Protocol uint8 // unix.IPPROTO_TCP, ...
	State    State // of TCP
	Status   Status
	Original Tuple         // the first packet, as it came in: before any NAT
	Reply    Tuple         // the packets that answer it, as they come in
	Timeout  time.Duration // in whole seconds, until the kernel forgets the entry
	Zone     uint16        // 0 unless rules or Open vSwitch put connections into zones
	ID       uint32        // which the kernel made up for this entry: another one of the same tuples has another

	// Counted: the kernel counts what connections carry (net.netfilter.nf_conntrack_acct), and Sent is
	// how many packets came in the original direction.
	Counted bool
	Sent    uint64
}

// Tuple is one direction of a connection. Addresses are in 16 bytes, IPv4 in mapped form
// (::ffff:a.b.c.d). Ports are 0 for protocols without any.
type Tuple struct {
	Source, Destination         [16]byte
	SourcePort, DestinationPort uint16
}

// From returns the source, its address unmapped.
func (t *Tuple) From() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(t.Source).Unmap(), t.SourcePort)
}

// To returns the destination, its address unmapped.
func (t *Tuple) To() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(t.Destination).Unmap(), t.DestinationPort)
}

// Attributes of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctaTupleOrig  = 1  // CTA_TUPLE_ORIG
	ctaTupleReply = 2  // CTA_TUPLE_REPLY
	ctaStatus     = 3  // CTA_STATUS
	ctaProtoInfo  = 4  // CTA_PROTOINFO
	ctaTimeout    = 7  // CTA_TIMEOUT
	ctaCountOrig  = 9  // CTA_COUNTERS_ORIG
	ctaID         = 12 // CTA_ID
	ctaZone       = 18 // CTA_ZONE
	ctaFilter     = 25 // CTA_FILTER, since Linux 5.8
	ctaStatusMask = 26 // CTA_STATUS_MASK, since Linux 6.0

	ctaTupleIP    = 1 // CTA_TUPLE_IP
	ctaTupleProto = 2 // CTA_TUPLE_PROTO
	ctaTupleZone  = 3 // CTA_TUPLE_ZONE

	ctaIPv4Source = 1 // CTA_IP_V4_SRC
	ctaIPv4Dest   = 2 // CTA_IP_V4_DST
	ctaIPv6Source = 3 // CTA_IP_V6_SRC
	ctaIPv6Dest   = 4 // CTA_IP_V6_DST

	ctaProtoNum        = 1 // CTA_PROTO_NUM
	ctaProtoSourcePort = 2 // CTA_PROTO_SRC_PORT
	ctaProtoDestPort   = 3 // CTA_PROTO_DST_PORT

	ctaProtoInfoTCP = 1 // CTA_PROTOINFO_TCP
	ctaTCPState     = 1 // CTA_PROTOINFO_TCP_STATE

	ctaCounterPackets = 1 // CTA_COUNTERS_PACKETS
)

// What decode has found of an entry.
const (
	foundOriginal = 1 << iota
	foundReply
	foundStatus
)

// decode fills e from the body of one answer, a struct nfgenmsg with attributes after it, and
// reports whether it is one. Nothing but e is written and nothing of b is kept.
func (e *Entry) decode(b []byte) bool {
	if len(b) < nlwire.NetfilterHeader {
		return false
	}
	*e = Entry{Family: b[0]}
	if e.Family != unix.AF_INET && e.Family != unix.AF_INET6 {
		return false
	}
	found, ok := 0, true
	a := nlwire.Attrs{Rest: b[nlwire.NetfilterHeader:]}
	for ok && a.Next() {
		switch a.Kind {
		case ctaTupleOrig:
			found |= foundOriginal
			ok = e.tuple(&e.Original, a.Value)
		case ctaTupleReply:
			found |= foundReply
			ok = e.tuple(&e.Reply, a.Value)
		case ctaStatus:
			found |= foundStatus
			var n uint32
			n, ok = be32(a.Value)
			e.Status = Status(n)
		case ctaProtoInfo:
			ok = e.protoInfo(a.Value)
		case ctaTimeout:
			var n uint32
			n, ok = be32(a.Value)
			e.Timeout = time.Duration(n) * time.Second
		case ctaZone:
			e.Zone, ok = be16(a.Value)
		case ctaID:
			e.ID, ok = be32(a.Value)
		case ctaCountOrig:
			e.Counted = true
			e.Sent, ok = counted(a.Value)
		}
	}
	return ok && a.Whole() && found == foundOriginal|foundReply|foundStatus
}

// tuple reads one direction. A zone of one direction only is here and not beside it.
func (e *Entry) tuple(t *Tuple, b []byte) bool {
	addressed, proto, ok := false, false, true
	a := nlwire.Attrs{Rest: b}
	for ok && a.Next() {
		switch a.Kind {
		case ctaTupleIP:
			ok = t.addresses(e.Family, a.Value)
			addressed = true
		case ctaTupleProto:
			ok = e.ports(t, a.Value)
			proto = true
		case ctaTupleZone:
			e.Zone, ok = be16(a.Value)
		}
	}
	return ok && addressed && proto && a.Whole()
}

// addresses reads CTA_TUPLE_IP, which must have a source and a destination of the entry's family.
func (t *Tuple) addresses(family uint8, b []byte) bool {
	source, destination := uint16(ctaIPv4Source), uint16(ctaIPv4Dest)
	if family == unix.AF_INET6 {
		source, destination = ctaIPv6Source, ctaIPv6Dest
	}
	from, to, ok := false, false, true
	a := nlwire.Attrs{Rest: b}
	for ok && a.Next() {
		switch a.Kind {
		case source:
			ok = put(&t.Source, family, a.Value)
			from = true
		case destination:
			ok = put(&t.Destination, family, a.Value)
			to = true
		}
	}
	return ok && from && to && a.Whole()
}

// ports reads CTA_TUPLE_PROTO: the protocol, and ports if it has them.
func (e *Entry) ports(t *Tuple, b []byte) bool {
	numbered, ok := false, true
	a := nlwire.Attrs{Rest: b}
	for ok && a.Next() {
		switch a.Kind {
		case ctaProtoNum:
			if ok = len(a.Value) == 1; ok {
				e.Protocol = a.Value[0]
				numbered = true
			}
		case ctaProtoSourcePort:
			t.SourcePort, ok = be16(a.Value)
		case ctaProtoDestPort:
			t.DestinationPort, ok = be16(a.Value)
		}
	}
	return ok && numbered && a.Whole()
}

// protoInfo reads the state of a TCP connection; what other protocols have is passed over.
func (e *Entry) protoInfo(b []byte) bool {
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		if a.Kind != ctaProtoInfoTCP {
			continue
		}
		in := nlwire.Attrs{Rest: a.Value}
		for in.Next() {
			if in.Kind == ctaTCPState {
				if len(in.Value) != 1 {
					return false
				}
				e.State = State(in.Value[0])
			}
		}
		if !in.Whole() {
			return false
		}
	}
	return a.Whole()
}

// counted reads the packets of a direction.
func counted(b []byte) (n uint64, ok bool) {
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		if a.Kind == ctaCounterPackets {
			if len(a.Value) != 8 {
				return 0, false
			}
			n, ok = binary.BigEndian.Uint64(a.Value), true
		}
	}
	return n, ok && a.Whole()
}

// put stores an address of the given family in 16 bytes.
func put(to *[16]byte, family uint8, b []byte) bool {
	switch {
	case family == unix.AF_INET6 && len(b) == 16:
		*to = [16]byte(b)
	case family == unix.AF_INET && len(b) == 4:
		*to = [16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}
	default:
		return false
	}
	return true
}

// be16 reads a number that conntrack sends in network order.
func be16(b []byte) (uint16, bool) {
	if len(b) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b), true
}

// be32 is be16 for 32 bits.
func be32(b []byte) (uint32, bool) {
	if len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
