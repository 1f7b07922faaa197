package ctnetlink

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// parts are the attributes of an entry, by their kind, in order. Tests change or drop some.
type parts []part

type part struct {
	kind  uint16
	value []byte
}

// flow returns an assured connection in ESTABLISHED as the kernel describes it.
func flow(from, to, replyFrom, replyTo string) parts {
	return parts{
		{ctaTupleOrig | unix.NLA_F_NESTED, direction(from, to)},
		{ctaTupleReply | unix.NLA_F_NESTED, direction(replyFrom, replyTo)},
		{ctaStatus, binary.BigEndian.AppendUint32(nil, uint32(SeenReply|Assured))},
		{ctaTimeout, binary.BigEndian.AppendUint32(nil, 431999)},
		{ctaProtoInfo | unix.NLA_F_NESTED, attrs(part{ctaProtoInfoTCP | unix.NLA_F_NESTED,
			attrs(part{ctaTCPState, []byte{byte(Established)}}, part{2, []byte{7}})})},
		{8, []byte{0, 0, 0, 9}},  // CTA_MARK
		{12, []byte{1, 2, 3, 4}}, // CTA_ID
	}
}

// with replaces the value of a part, or adds the part.
func (p parts) with(kind uint16, value ...byte) parts {
	out := append(parts(nil), p...)
	for i := range out {
		if out[i].kind&^unix.NLA_F_NESTED == kind {
			out[i].value = value
			return out
		}
	}
	return append(out, part{kind, value})
}

// without drops a part.
func (p parts) without(kind uint16) parts {
	var out parts
	for _, q := range p {
		if q.kind&^unix.NLA_F_NESTED != kind {
			out = append(out, q)
		}
	}
	return out
}

// message returns the body of a netlink message with the entry. The family is that of the first
// address.
func message(p parts) []byte {
	family := byte(unix.AF_INET)
	if len(p) > 0 && len(p[0].value) > 60 {
		family = unix.AF_INET6
	}
	return append([]byte{family, 0, 0, 0}, attrs(p...)...)
}

// direction is the content of a CTA_TUPLE.
func direction(from, to string) []byte {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	source, destination := uint16(ctaIPv4Source), uint16(ctaIPv4Dest)
	if a.Addr().Is6() {
		source, destination = ctaIPv6Source, ctaIPv6Dest
	}
	return attrs(
		part{ctaTupleIP | unix.NLA_F_NESTED, attrs(part{source, a.Addr().AsSlice()}, part{destination, b.Addr().AsSlice()})},
		part{ctaTupleProto | unix.NLA_F_NESTED, attrs(part{ctaProtoNum, []byte{unix.IPPROTO_TCP}},
			part{ctaProtoSourcePort, binary.BigEndian.AppendUint16(nil, a.Port())},
			part{ctaProtoDestPort, binary.BigEndian.AppendUint16(nil, b.Port())})},
	)
}

// attrs encodes attributes.
func attrs(p ...part) []byte {
	var b []byte
	for _, a := range p {
		b = nlwire.AppendBytes(b, a.kind, a.value)
	}
	return b
}
