package lab

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	etherLen = 14
	ipv4Len  = 20
	ipv6Len  = 40
	tcpLen   = 24 // with one option, the maximum segment size
)

// synFrame builds Ethernet frames that carry one SYN each, with right checksums.
type synFrame struct {
	to       netip.AddrPort
	template []byte
	ip, tcp  int // offsets of the headers
	pseudo   uint32
}

// newSynFrame prepares frames from one link address to another. See RFC 791, 8200 and 9293.
func newSynFrame(from, to net.HardwareAddr, target netip.AddrPort) *synFrame {
	f := &synFrame{to: target, ip: etherLen, tcp: etherLen + ipv4Len}
	proto := uint16(unix.ETH_P_IP)
	if target.Addr().Is6() {
		f.tcp, proto = etherLen+ipv6Len, unix.ETH_P_IPV6
	}
	b := make([]byte, f.tcp+tcpLen)
	copy(b, to)
	copy(b[6:], from)
	binary.BigEndian.PutUint16(b[12:], proto)
	if target.Addr().Is4() {
		f.fillIPv4(b[f.ip:])
	} else {
		f.fillIPv6(b[f.ip:])
	}
	t := b[f.tcp:]
	binary.BigEndian.PutUint16(t[2:], target.Port())
	t[12] = tcpLen / 4 << 4
	t[13] = 0x02 // SYN
	binary.BigEndian.PutUint16(t[14:], 64240)
	copy(t[20:], []byte{2, 4, 1460 >> 8, 1460 & 0xff})
	f.template = b
	f.pseudo = sum(target.Addr().AsSlice()) + unix.IPPROTO_TCP + tcpLen
	return f
}

func (f *synFrame) fillIPv4(h []byte) {
	h[0] = 0x45
	binary.BigEndian.PutUint16(h[2:], ipv4Len+tcpLen)
	h[6] = 0x40 // don't fragment
	h[8], h[9] = 64, unix.IPPROTO_TCP
	copy(h[16:], f.to.Addr().AsSlice())
}

func (f *synFrame) fillIPv6(h []byte) {
	h[0] = 0x60
	binary.BigEndian.PutUint16(h[4:], tcpLen)
	h[6], h[7] = unix.IPPROTO_TCP, 64
	copy(h[24:], f.to.Addr().AsSlice())
}

// size returns the length of a frame.
func (f *synFrame) size() int { return len(f.template) }

// write fills b, of the frame's size, with a SYN of that source, port and sequence number.
func (f *synFrame) write(b []byte, source netip.Addr, port uint16, seq uint32) {
	copy(b, f.template)
	if source.Is4() {
		a := source.As4()
		h := b[f.ip:f.tcp]
		copy(h[12:], a[:])
		binary.BigEndian.PutUint16(h[10:], fold(sum(h)))
	} else {
		a := source.As16()
		copy(b[f.ip+8:], a[:])
	}
	t := b[f.tcp:]
	binary.BigEndian.PutUint16(t, port)
	binary.BigEndian.PutUint32(t[4:], seq)
	address := b[f.ip+12 : f.ip+16]
	if source.Is6() {
		address = b[f.ip+8 : f.ip+24]
	}
	binary.BigEndian.PutUint16(t[16:], fold(f.pseudo+sum(address)+sum(t)))
}

// sum adds up 16-bit words, RFC 1071. The length must be even and below 64 KiB.
func sum(b []byte) uint32 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return s
}

// fold finishes a sum to the checksum that is sent.
func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}
