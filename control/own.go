package control

import (
	"net"
	"net/netip"
)

// ownAddress reports whether an unmapped address is one of this host's, in the network namespace of the
// caller. If the kernel does not tell which these are, only loopback addresses are.
func ownAddress(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == addr {
				return true
			}
		}
	}
	return false
}
