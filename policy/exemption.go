package policy

import "net/netip"

// Exemption frees a prefix from every answer per source (P4), because the operator said so while the
// daemon ran. Those of the policy file are in Exempt.
type Exemption struct {
	Prefix  netip.Prefix // masked, unmapped
	Service string       // empty: of all services
	Since   Instant
	Until   Instant // 0: until the daemon ends
	Reason  string  // the operator's own words, at most MaxReason bytes
}

// Session is a remote login that lasts: an address literally recorded by the login manager, never one
// resolved from a name.
type Session struct {
	From   netip.Addr // unmapped, without a zone
	Root   bool       // of user id 0
	Groups []string   // of the user; sorted
}
