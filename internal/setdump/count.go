package setdump

import (
	"encoding/binary"

	"ebbgate/internal/nlwire"
)

// setCount is NFTA_SET_COUNT of linux/netfilter/nf_tables.h, new in Linux 6.16: how many elements
// the set has, 32 bits in network order. It is missing from x/sys/unix.
const setCount = 20

// decodeCount takes the number of elements out of the description of a set. ok says whether it is
// there, and whole whether the description could be read.
func decodeCount(b []byte) (n int, ok, whole bool) {
	if len(b) < nlwire.NetfilterHeader {
		return 0, false, false
	}
	a := nlwire.Attrs{Rest: b[nlwire.NetfilterHeader:]}
	for a.Next() {
		if a.Kind == setCount {
			if len(a.Value) != 4 {
				return 0, false, false
			}
			n, ok = int(binary.BigEndian.Uint32(a.Value)), true
		}
	}
	return n, ok && a.Whole(), a.Whole()
}
