package observer

import (
	"math/bits"

	"ebbgate/policy"
)

// onward finds the service of a forwarded connection, by the address and port which the client
// connected to. It is part of a target, and immutable.
type onward struct {
	ports     [1 << 16]serviceSet // those at a port
	addressed map[address]serviceSet
	host      serviceSet // those without addresses: what comes to the host's own
}

// serviceSet is a set of indices into a policy's services.
type serviceSet uint64

// A set has room for all services of a policy.
const _ = uint(64 - policy.MaxServices)

// everyService is the set of all services, however many there are.
const everyService = ^serviceSet(0)

// has reports whether a service is in the set.
func (set serviceSet) has(service uint16) bool { return set == everyService || set>>service&1 != 0 }

// newOnward returns nil if no service watches forwarded connections.
func newOnward(services []policy.Service) *onward {
	var o *onward
	for i := range services {
		s := &services[i]
		if !s.Traffic.Onward() {
			continue
		}
		if o == nil {
			o = &onward{addressed: make(map[address]serviceSet)}
		}
		one := serviceSet(1) << i
		for _, r := range s.Ports {
			for p := int(r.First); p <= int(r.Last); p++ {
				o.ports[p] |= one
			}
		}
		for _, a := range s.Addresses {
			o.addressed[addressOf(a)] |= one
		}
		if len(s.Addresses) == 0 {
			o.host |= one
		}
	}
	return o
}

// find returns the service of a connection to the given address and port, or noService. One that
// names the address goes before one that takes all of the host's; the policy has no two of a kind.
func (o *onward) find(g *grouping, to address, port uint16) int {
	at := o.ports[port]
	if at == 0 {
		return noService
	}
	if named := at & o.addressed[to]; named != 0 {
		return bits.TrailingZeros64(uint64(named))
	}
	if at&o.host != 0 && g.ours(to) {
		return bits.TrailingZeros64(uint64(at & o.host))
	}
	return noService
}
