package suggest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ebbgate/policy"
)

// Listener is a listening socket and the processes that hold it.
type Listener struct {
	Local   netip.AddrPort
	Holders []Process
}

// Discover groups listeners into services: one for each unit of the service manager, else for each
// program, else for each port; a port that several of them listen on is a service of its own. Names are
// valid and unique. Listeners on loopback addresses are left out, as the host itself is no source. left
// is how many ports are left out because there are too many services, or ports of one.
func Discover(listeners []Listener) (services []policy.Service, left int) {
	owner := make(map[uint16]string)
	forwards := make(map[uint16]bool)
	for _, l := range listeners {
		if l.Local.Addr().IsLoopback() {
			continue
		}
		port, name := l.Local.Port(), nameOf(l)
		if other, taken := owner[port]; taken && other != name {
			name = portName(port)
		}
		owner[port] = name
		forwards[port] = forwards[port] || slices.ContainsFunc(l.Holders, func(p Process) bool { return p.Name == dockerProxy })
	}
	grouped := make(map[string][]uint16)
	for port, name := range owner {
		grouped[name] = append(grouped[name], port)
	}
	for name, ports := range grouped {
		slices.Sort(ports)
		s := policy.Service{Name: name, Ports: Ranges(ports)}
		if forwards[ports[0]] {
			s.Traffic = policy.Both
		}
		for _, p := range ports {
			if !s.Serves(netip.AddrPortFrom(netip.IPv4Unspecified(), p)) {
				left++
			}
		}
		services = append(services, s)
	}
	slices.SortFunc(services, func(a, b policy.Service) int { return cmp.Compare(a.Ports[0].First, b.Ports[0].First) })
	for i := policy.MaxServices; i < len(services); i++ {
		for _, r := range services[i].Ports {
			left += int(r.Last-r.First) + 1
		}
	}
	return services[:min(len(services), policy.MaxServices)], left
}

// dockerProxy listens on published ports; what comes from elsewhere is forwarded past it.
const dockerProxy = "docker-proxy"

// nameOf names the service a listener is of.
func nameOf(l Listener) string {
	for _, p := range l.Holders {
		unit, ok := strings.CutSuffix(p.Unit, ".service")
		if ok && !strings.Contains(unit, "/") && p.PID != 1 && p.Name != dockerProxy {
			if name := toName(unit); name != "" {
				return name
			}
		}
	}
	for _, p := range l.Holders {
		if name := toName(p.Name); name != "" && p.PID != 1 {
			return name
		}
	}
	return portName(l.Local.Port())
}

func portName(port uint16) string { return fmt.Sprintf("port-%d", port) }

// toName makes a name for the policy file of text that anybody may have chosen; "" if nothing is left.
// What would be cut or changed stays recognizable, but two may become the same, and then one service.
func toName(text string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(text)) {
		letter := c >= 'a' && c <= 'z'
		switch {
		case b.Len() == policy.MaxServiceName:
		case letter, b.Len() > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-'):
			b.WriteByte(c)
		case b.Len() > 0:
			b.WriteByte('-')
		}
	}
	return strings.TrimRight(b.String(), "-_")
}

// Snippet writes a policy with these services and no limits, for policy.Parse.
func Snippet(services []policy.Service) string {
	w := snippet{}
	for _, s := range services {
		w.line("[[service]]\nname = %q\nports = %s\ntraffic = %q", s.Name, portsTOML(s.Ports), s.Traffic)
	}
	return w.b.String()
}
