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

// Order is something the operator asks for through the control socket. It is part of an Observation,
// so that a recording holds it.
type Order struct {
	Kind      OrderKind
	Exemption Exemption // of OrderUnexempt: Prefix and Service only
}

// OrderKind says what an Order asks for.
type OrderKind string

// The orders.
const (
	OrderExempt   OrderKind = "exempt"   // replaces one of the same prefix and service
	OrderUnexempt OrderKind = "unexempt" // of an exemption that is not there: nothing
)

// Session is a remote login that lasts: an address literally recorded by the login manager, never one
// resolved from a name.
type Session struct {
	From   netip.Addr // unmapped, without a zone
	Root   bool       // of user id 0
	Groups []string   // of the user; sorted
}
