package survey

import (
	"slices"
	"strconv"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// selected returns the services that have any of the selected ports. Those whose connections are
// passed on to others have no socket here.
func (s *Survey) selected(services []policy.Service) []policy.Service {
	return slices.DeleteFunc(slices.Clone(services), func(svc policy.Service) bool {
		return !svc.Traffic.Locally() || len(s.sel.Ports) > 0 && !overlap(svc.Ports, s.sel.Ports)
	})
}

// overlap reports whether any port is in both lists.
func overlap(a, b []policy.PortRange) bool {
	return slices.ContainsFunc(a, func(x policy.PortRange) bool {
		return slices.ContainsFunc(b, func(y policy.PortRange) bool { return x.First <= y.Last && y.First <= x.Last })
	})
}

// everyPort returns a service for each port that somebody listens on, by number.
func everyPort(listeners []inetdiag.Socket) []policy.Service {
	var ports []uint16
	for i := range listeners {
		ports = append(ports, listeners[i].LocalPort)
	}
	slices.Sort(ports)
	var services []policy.Service
	for _, port := range slices.Compact(ports) {
		services = append(services, policy.Service{Name: "port " + strconv.Itoa(int(port)), Ports: []policy.PortRange{{First: port, Last: port}}})
	}
	return services
}
