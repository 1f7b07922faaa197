package enforcer

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Key is the key of a set's element, in network order as the kernel compares it: an address, a
// port or a protocol family. It is a plain value, so that 100,000 elements are one allocation.
type Key struct {
	bytes  [16]byte
	length uint8
}

func addrKey(a netip.Addr) Key {
	if a.Is4() {
		k := Key{length: 4}
		b := a.As4()
		copy(k.bytes[:], b[:])
		return k
	}
	return Key{bytes: a.As16(), length: 16}
}

func portKey(p uint16) Key {
	k := Key{length: 2}
	binary.BigEndian.PutUint16(k.bytes[:], p)
	return k
}

// familyKey is a value of type nf_proto (NFPROTO_* of linux/netfilter.h).
func familyKey(proto byte) Key { return Key{bytes: [16]byte{proto}, length: 1} }

func compareKeys(a, b Key) int { return bytes.Compare(a.bytes[:], b.bytes[:]) }

// raw returns the key's bytes, which belong to the caller.
func (k Key) raw() []byte { return k.bytes[:k.length:k.length] }

// addr returns the address of an address key.
func (k Key) addr() netip.Addr {
	a, _ := netip.AddrFromSlice(k.raw())
	return a
}

func (k Key) port() uint16 { return binary.BigEndian.Uint16(k.bytes[:]) }

// next returns the key that follows, and false after the last one, where a range stays open.
func (k Key) next() (Key, bool) {
	if k.length == 2 {
		n := k.port() + 1
		return portKey(n), n != 0
	}
	n := k.addr().Next()
	if !n.IsValid() {
		return Key{}, false
	}
	return addrKey(n), true
}
