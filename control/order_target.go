package control

import (
	"fmt"
	"net/netip"

	"ebbgate/policy"
)

// Target is whom a command is about.
type Target struct {
	Prefix  netip.Prefix // masked and unmapped
	Service string       // empty: all
}

// check says that the policy has no such service; nil: it has.
func (t Target) check(p *policy.Policy) *Error {
	if t.Service == "" || p.Service(t.Service) != nil {
		return nil
	}
	return &Error{Kind: KindNotFound, Message: fmt.Sprintf("service: there is no service %q; the policy has %s", t.Service, serviceNames(p))}
}

func serviceNames(p *policy.Policy) string {
	const most = 20
	text := ""
	for i, s := range p.Services {
		switch {
		case i == most:
			return text + " and more"
		case i > 0:
			text += ", "
		}
		text += fmt.Sprintf("%q", s.Name)
	}
	return text
}

// at reports whether the target is of a service.
func (t Target) at(service string) bool { return t.Service == "" || t.Service == service }

// contains reports whether the whole of a prefix lies in the target's.
func (t Target) contains(p netip.Prefix) bool {
	return t.Prefix.Bits() <= p.Bits() && t.Prefix.Contains(p.Addr())
}

// covering returns the prefixes that contain the whole of the target's.
func (t Target) covering(list []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if p.Bits() <= t.Prefix.Bits() && p.Contains(t.Prefix.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// exemption returns the exemption of just this target.
func (t Target) exemption(list []policy.Exemption) (policy.Exemption, bool) {
	for _, e := range list {
		if e.Prefix == t.Prefix && e.Service == t.Service {
			return e, true
		}
	}
	return policy.Exemption{}, false
}
