package lab

import (
	"encoding/binary"
	"net/netip"
)

// rangeSize is how many addresses of a kind a Range gives out: those of an IPv4 /16 without its
// first and last, and as many /64 of its first /48.
const rangeSize = 1<<16 - 2

// Range is a block of addresses behind one of the links: an IPv4 /16 and an IPv6 /32.
type Range struct {
	V4 netip.Prefix
	V6 netip.Prefix
}

// VictimV4 is the victim's IPv4 address, reachable from everywhere in the laboratory.
func VictimV4() netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, 1}) }

// VictimV6 is the victim's IPv6 address, reachable from everywhere in the laboratory.
func VictimV6() netip.Addr { return netip.AddrFrom16([16]byte{0xfd, 0x77, 15: 1}) }

// ClientV4 is the clients' own IPv4 address on their link: the far end of an Outgoing.
func ClientV4() netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, 2}) }

// ClientRange is what the clients may use as source: every address of it is local there.
func ClientRange() Range { return newRange(78) }

// AttackRange is what attackers may use as source of real connections: every address of it is
// local there.
func AttackRange() Range { return newRange(66) }

// SpoofRange is routed to the attackers but local nowhere: answers to it die without a word.
func SpoofRange() Range { return newRange(99) }

// newRange returns 10.n.0.0/16 and fdnn::/32, reading the decimal digits of n as hexadecimal, so
// that both families carry the same number.
func newRange(n byte) Range {
	hex := n/10<<4 | n%10
	return Range{
		V4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n}), 16),
		V6: netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, hex}), 32),
	}
}

// IPv4 returns the first n addresses, at most 65,534.
func (r Range) IPv4(n int) []netip.Addr {
	return r.pick(n, func(i uint16) netip.Addr {
		a := r.V4.Addr().As4()
		binary.BigEndian.PutUint16(a[2:], i)
		return netip.AddrFrom4(a)
	})
}

// IPv6 returns n addresses of one /48, each in a /64 of its own, at most 65,534.
func (r Range) IPv6(n int) []netip.Addr {
	return r.pick(n, func(i uint16) netip.Addr {
		a := r.V6.Addr().As16()
		binary.BigEndian.PutUint16(a[6:], i)
		a[15] = 1
		return netip.AddrFrom16(a)
	})
}

// OneSubnet returns n addresses of one single /64, at most 65,534. None is also returned by IPv6.
func (r Range) OneSubnet(n int) []netip.Addr {
	return r.pick(n, func(i uint16) netip.Addr {
		a := r.V6.Addr().As16()
		binary.BigEndian.PutUint16(a[14:], i)
		return netip.AddrFrom16(a)
	})
}

// SpreadIPv4 returns addresses of several /24s in turn, so that the first n of them are of as many
// /24s as there are: at most 255 blocks, with at most 254 addresses of each.
func (r Range) SpreadIPv4(blocks, each int) []netip.Addr {
	return spread(min(blocks, 255), min(each, 254), func(block, i uint16) netip.Addr {
		a := r.V4.Addr().As4()
		a[2], a[3] = byte(block), byte(i)
		return netip.AddrFrom4(a)
	})
}

// SpreadIPv6 returns addresses of several /48s in turn, each in a /64 of its own: at most 1,000
// blocks, with at most 1,000 addresses of each. None is also returned by IPv6 or OneSubnet.
func (r Range) SpreadIPv6(blocks, each int) []netip.Addr {
	return spread(min(blocks, 1000), min(each, 1000), func(block, i uint16) netip.Addr {
		a := r.V6.Addr().As16()
		binary.BigEndian.PutUint16(a[4:], block)
		binary.BigEndian.PutUint16(a[6:], i)
		a[15] = 1
		return netip.AddrFrom16(a)
	})
}

// spread calls at with 1 to blocks and 1 to each, the blocks in turn.
func spread(blocks, each int, at func(block, i uint16) netip.Addr) []netip.Addr {
	var out []netip.Addr
	for i := range max(each, 0) {
		for block := range max(blocks, 0) {
			out = append(out, at(uint16(block+1), uint16(i+1)))
		}
	}
	return out
}

// pick calls at with 1 to n.
func (r Range) pick(n int, at func(uint16) netip.Addr) []netip.Addr {
	n = min(max(n, 0), rangeSize)
	out := make([]netip.Addr, 0, n)
	for i := range n {
		out = append(out, at(uint16(i+1)))
	}
	return out
}
