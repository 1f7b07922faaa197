package observer

import (
	"cmp"
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// noService is what doors.find returns for a connection that counts for nobody.
const noService = -1

// doors finds the service a connection came in to, by its local address and port. A door is open
// where a service of the policy has a listener, so that the host's own outgoing connections find
// none even if they happen to use a service's port (P7).
type doors struct {
	index [1 << 16]uint16 // of the port in ports, plus 1; 0: no door
	ports []portDoors
}

// portDoors are the doors at one port.
type portDoors struct {
	any4, any6 int    // service that takes connections to every address, or noService
	exact      []door // services that take connections to one address, in the order of less
}

type door struct {
	local   address
	service int
}

// build replaces the doors by those of the given listeners.
func (d *doors) build(all []listening, services []policy.Service) {
	clear(d.index[:])
	d.ports = d.ports[:0]
	for i := range all {
		for s := range services {
			if all[i].of(&services[s]) {
				d.at(all[i].port).open(&all[i], s, services[s].Addresses)
			}
		}
	}
	for i := range d.ports {
		p := &d.ports[i]
		slices.SortFunc(p.exact, func(a, b door) int {
			return cmp.Or(cmp.Compare(a.local.hi, b.local.hi), cmp.Compare(a.local.lo, b.local.lo))
		})
		p.exact = slices.Compact(p.exact)
	}
}

// at returns the doors of a port, making room for them if there are none yet.
func (d *doors) at(port uint16) *portDoors {
	if d.index[port] == 0 {
		d.ports = append(d.ports, portDoors{any4: noService, any6: noService})
		d.index[port] = uint16(len(d.ports))
	}
	return &d.ports[d.index[port]-1]
}

// open adds the doors that a listener opens for a service with the given addresses.
func (p *portDoors) open(l *listening, service int, addresses []netip.Addr) {
	switch {
	case !l.unspecified:
		p.exact = append(p.exact, door{l.local, service})
	case len(addresses) == 0:
		if l.serves4 {
			p.any4 = service
		}
		if l.serves6 {
			p.any6 = service
		}
	default:
		for _, a := range addresses {
			if l.serves(a) {
				p.exact = append(p.exact, door{addressOf(a), service})
			}
		}
	}
}

// find returns the service of a connection to the given local address and port, or noService.
func (d *doors) find(local address, port uint16) int {
	i := d.index[port]
	if i == 0 {
		return noService
	}
	p := &d.ports[i-1]
	// By hand, because slices.BinarySearchFunc took half of our own time for each socket.
	low, high := 0, len(p.exact)
	for low < high {
		mid := int(uint(low+high) / 2)
		if p.exact[mid].local.less(local) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(p.exact) && p.exact[low].local == local {
		return p.exact[low].service
	}
	if local.is4() {
		return p.any4
	}
	return p.any6
}
