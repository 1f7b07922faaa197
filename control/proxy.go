package control

import "ebbgate/policy"

// Proxy is what is done with SYNPROXY under a flood of forged SYNs: the kernel completes handshakes before
// conntrack remembers any of them.
type Proxy struct {
	Mode      policy.Mode `json:"mode"`
	Answering bool        `json:"answering"`  // SYNs are answered now (in shadow mode: would be); false: it is not used, or only completes what it began
	Since     Time        `json:"since"`      // null: SYNs are not answered
	LeaseLeft Duration    `json:"lease_left"` // until the kernel lets SYNs through again, if nothing renews it
	MSS4      int         `json:"mss4"`       // segment size offered to IPv4 clients, in bytes; 0: none are served
	MSS6      int         `json:"mss6"`       // likewise IPv6
	Lacks     string      `json:"lacks"`      // what keeps it from being used where it would help, and what to set; else empty
}

// ProxyOf returns the wire form of what is decided about SYNPROXY.
func ProxyOf(p *policy.Proxy, c Calendar) *Proxy {
	out := &Proxy{Mode: p.Mode, Answering: p.Until != 0, Since: c.Time(p.Since), MSS4: p.MSS4, MSS6: p.MSS6, Lacks: p.Lacks}
	if p.Until != 0 {
		out.LeaseLeft = c.Left(p.Until)
	}
	return out
}

// proxied says what is done with SYNPROXY about forged SYNs, or what it lacks; "" where there is nothing to
// be said.
func proxied(s *Service) string {
	p := s.Proxy
	switch {
	case p == nil:
		return ""
	case p.Answering && p.Mode == policy.Shadow:
		return "shadow mode only watches; else SYNPROXY would keep them out of conntrack"
	case p.Answering:
		return "SYNPROXY on: the kernel keeps them out of conntrack"
	case p.Lacks != "":
		return "SYNPROXY would keep them out of conntrack, but " + Escape(p.Lacks)
	}
	return "SYNPROXY off; handshakes it began are completed"
}
