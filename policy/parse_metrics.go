package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// metrics reads where figures are served to monitoring.
func (p *parser) metrics(raw *rawMetrics) Metrics {
	if raw.Listen == nil || *raw.Listen == "" {
		return Metrics{}
	}
	const key, example = "metrics.listen", `"127.0.0.1:9815" or "[::1]:9815", or empty to serve nowhere`
	at, err := netip.ParseAddrPort(*raw.Listen)
	switch {
	case err != nil:
		p.problem(key, "%s is not an address with a port, must be like "+example, quote(*raw.Listen))
	case at.Port() == 0:
		p.problem(key, "%s has port 0, must be 1 to 65535", quote(*raw.Listen))
	case at.Addr().IsMulticast():
		p.problem(key, "%s is a multicast address, must be like "+example, quote(*raw.Listen))
	default:
		return Metrics{Listen: netip.AddrPortFrom(at.Addr().Unmap(), at.Port())}
	}
	return Metrics{}
}

// metricsAtService warns of figures served where a service listens: one of the two cannot, and whoever reads the
// figures counts as a client of the service and is limited like one.
func (p *Policy) metricsAtService() []string {
	at := p.Metrics.Listen
	if !at.IsValid() {
		return nil
	}
	for i := range p.Services {
		s := &p.Services[i]
		theirs := len(s.Addresses) == 0 || at.Addr().IsUnspecified() || slices.Contains(s.Addresses, at.Addr())
		if theirs && slices.ContainsFunc(s.Ports, func(r PortRange) bool { return r.Contains(at.Port()) }) {
			return []string{fmt.Sprintf("metrics.listen: port %d is also one of service %q: two programs cannot both listen there, and who reads the "+
				"figures would count as a client of the service; use another port", at.Port(), s.Name)}
		}
	}
	return nil
}

// exposed warns of figures that others than this host's users can read.
func (m Metrics) exposed() []string {
	if !m.Listen.IsValid() || m.Listen.Addr().IsLoopback() {
		return nil
	}
	return []string{"metrics.listen: " + m.Listen.String() + " is not a loopback address: whoever reaches it can read how much is held " +
		"of each service and what is done about it; let a firewall admit your monitoring only, or use 127.0.0.1"}
}
