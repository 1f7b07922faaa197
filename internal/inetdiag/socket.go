package inetdiag

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// ID is a struct inet_diag_sockid as the kernel reported it: ports, addresses, interface and
// cookie. The cookie makes it name one socket for ever, even if the ports are used again.
type ID [sockidLen]byte

// Socket is one socket of a dump. The Socket a callback is given is reused for the next one: copy
// what is to be kept.
type Socket struct {
	Family  uint8 // unix.AF_INET or unix.AF_INET6
	State   State
	Timer   uint8 // idiag_timer; see TimerTimeWait
	Retrans uint8 // retransmissions, or probes, of what is in flight
	ID      ID

	LocalAddr  [16]byte // IPv4 in mapped form (::ffff:a.b.c.d)
	RemoteAddr [16]byte // likewise
	LocalPort  uint16
	RemotePort uint16

	RQueue uint32 // bytes not read; of a listener: connections that wait for accept(2)
	WQueue uint32 // bytes not acknowledged; of a listener: how many may wait
	UID    uint32 // owner
	Inode  uint32 // 0: no process holds the socket

	V6Only bool // of an IPv6 listener: it does not serve IPv4. Not decoded for other states

	// Cgroup is the control group (version 2) of the process that made a listener: the inode number
	// of its directory. 0: the kernel is older than 5.9 or has no control groups. Not decoded for
	// other states, unless Info was asked for.
	Cgroup uint64

	HasInfo bool // Info was asked for and is all there
	Info    Info
}

// Local returns the local address, unmapped, and port.
func (s *Socket) Local() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(s.LocalAddr).Unmap(), s.LocalPort)
}

// Remote returns the peer's address, unmapped, and port.
func (s *Socket) Remote() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(s.RemoteAddr).Unmap(), s.RemotePort)
}

// diagMsgLen is sizeof(struct inet_diag_msg).
const diagMsgLen = 4 + sockidLen + 5*4

// Offsets into struct inet_diag_sockid.
const (
	idSrc    = 4
	idDst    = 20
	idIface  = 36
	idCookie = 40
)

// decode fills s from the payload of one answer, a struct inet_diag_msg with attributes after it,
// and reports whether it is one. Nothing but s is written and nothing of b is kept.
func (s *Socket) decode(b []byte, info bool) bool {
	if len(b) < diagMsgLen {
		return false
	}
	s.Family, s.State, s.Timer, s.Retrans = b[0], State(b[1]), b[2], b[3]
	s.ID = ID(b[4 : 4+sockidLen])
	s.LocalPort = binary.BigEndian.Uint16(s.ID[0:])
	s.RemotePort = binary.BigEndian.Uint16(s.ID[2:])
	switch s.Family {
	case unix.AF_INET:
		s.LocalAddr, s.RemoteAddr = mapped(s.ID[idSrc:]), mapped(s.ID[idDst:])
	case unix.AF_INET6:
		s.LocalAddr, s.RemoteAddr = [16]byte(s.ID[idSrc:]), [16]byte(s.ID[idDst:])
	default:
		return false
	}
	s.RQueue = binary.NativeEndian.Uint32(b[56:])
	s.WQueue = binary.NativeEndian.Uint32(b[60:])
	s.UID = binary.NativeEndian.Uint32(b[64:])
	s.Inode = binary.NativeEndian.Uint32(b[68:])
	s.V6Only, s.HasInfo, s.Cgroup = false, false, 0
	if info || s.State == Listen {
		return s.decodeAttributes(b[diagMsgLen:])
	}
	return true
}

// mapped returns the IPv4 address at the start of b in mapped form.
func mapped(b []byte) [16]byte {
	return [16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}
}

// decodeAttributes reads the attributes we know and skips the others. False means that their
// lengths do not add up. It walks them by hand because nlwire.Attrs, which lives in memory, takes
// half as long again to decode a socket with its tcp_info.
func (s *Socket) decodeAttributes(b []byte) bool {
	for len(b) >= unix.NLA_HDRLEN {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.NLA_HDRLEN || n > len(b) {
			return false
		}
		value := b[unix.NLA_HDRLEN:n]
		switch binary.NativeEndian.Uint16(b[2:]) {
		case attrV6Only:
			s.V6Only = len(value) > 0 && value[0] != 0
		case attrInfo:
			s.HasInfo = s.Info.decode(value)
		case attrCgroupID:
			if len(value) >= 8 {
				s.Cgroup = binary.NativeEndian.Uint64(value)
			}
		}
		b = b[min(nlwire.Align(n), len(b)):]
	}
	return len(b) == 0
}
