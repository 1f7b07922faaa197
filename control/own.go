package control

import (
	"net/netip"

	"ebbgate/internal/ownaddr"
)

// ownAddress reports whether an unmapped address is one of this host's, in the network namespace of the
// caller. If the kernel does not tell which these are, only loopback addresses are.
func ownAddress(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	own, err := ownaddr.Read()
	return err == nil && own[addr]
}
