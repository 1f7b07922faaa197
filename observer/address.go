package observer

import (
	"encoding/binary"
	"net/netip"
)

// address is an IP address as two numbers, IPv4 in mapped form. Unlike netip.Addr it holds no
// pointer and is masked and compared in a few instructions, which the census does per socket.
type address struct{ hi, lo uint64 }

// The unspecified addresses, on which a listener takes connections to all.
var (
	any6 = address{}
	any4 = address{lo: 0xffff << 32}
)

func addressFrom16(b *[16]byte) address {
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func addressOf(a netip.Addr) address {
	b := a.As16()
	return addressFrom16(&b)
}

// is4 reports whether a is an IPv4 address.
func (a address) is4() bool { return a.hi == 0 && a.lo>>32 == 0xffff }

// loopback reports whether a is in 127.0.0.0/8 or is ::1.
func (a address) loopback() bool {
	return a == address{lo: 1} || a.is4() && uint32(a.lo)>>24 == 127
}

// masked keeps the first bits of an IPv6 address.
func (a address) masked(bits int) address {
	if bits <= 64 {
		return address{hi: a.hi &^ (^uint64(0) >> bits)}
	}
	return address{a.hi, a.lo &^ (^uint64(0) >> (bits - 64))}
}

// addr returns a as a netip.Addr, unmapped.
func (a address) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b).Unmap()
}

// less orders addresses by number, IPv4 ones among the IPv6 ones in which they are embedded.
func (a address) less(b address) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }
