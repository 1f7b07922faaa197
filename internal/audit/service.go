package audit

import (
	"net/netip"

	"ebbgate/policy"
)

// listensFor reports whether a listener serves s. One on all addresses serves a service of any.
func listensFor(s *policy.Service, local netip.AddrPort) bool {
	if !local.Addr().IsUnspecified() {
		return s.Serves(local)
	}
	all := *s
	all.Addresses = nil
	return all.Serves(local)
}
