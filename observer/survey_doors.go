package observer

import (
	"fmt"
	"net/netip"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// Doors tells which service a connection came in to, by the rules of Observer.Census, for those
// who walk the sockets themselves. It is not safe for concurrent use.
type Doors struct {
	services  []policy.Service
	listeners []listening
	doors     doors
}

// ErrManyListeners says that a host has more listening sockets than are told apart. Connections
// that came in through the others are taken for the host's own.
var ErrManyListeners = fmt.Errorf("more than %d listening sockets: connections to the others are not recognized", maxListeners)

// NewDoors returns the doors of the services, whose indices it answers with, for listeners as a
// dump of LISTEN sockets gave them. With ErrManyListeners they are right for those they have.
func NewDoors(services []policy.Service, listeners []inetdiag.Socket) (*Doors, error) {
	d := &Doors{services: services}
	var err error
	if len(listeners) > maxListeners {
		listeners, err = listeners[:maxListeners], ErrManyListeners
	}
	for i := range listeners {
		d.listeners = append(d.listeners, newListening(&listeners[i]))
	}
	d.doors.build(d.listeners, services)
	return d, err
}

// Service returns the index of the service a connection came in to, or -1 for one that the host
// opened itself or that belongs to none.
func (d *Doors) Service(s *inetdiag.Socket) int {
	return d.doors.find(addressFrom16(&s.LocalAddr), s.LocalPort)
}

// HostAddresses lists the addresses assigned to the interfaces of the calling thread's network
// namespace, unmapped. It needs no privilege.
func HostAddresses() ([]netip.Addr, error) {
	var h hostAddresses
	if err := h.open(); err != nil {
		h.close()
		return nil, err
	}
	defer h.close()
	return h.list()
}
