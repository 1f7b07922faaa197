package ownaddr

import (
	"fmt"
	"net"
	"net/netip"
)

// Read returns the addresses of the host's interfaces in the calling thread's network namespace, IPv4 ones
// unmapped and all without a zone. It asks the kernel each time; if that does not tell, there is an error and no
// address.
func Read() (map[netip.Addr]bool, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the host's addresses: %w", err)
	}
	own := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own[addr.Unmap()] = true
			}
		}
	}
	return own, nil
}
