package control

import (
	"fmt"
	"net/netip"

	"ebbgate/policy"
)

// reloadHow says how a changed policy file takes effect.
const reloadHow = "systemctl reload ebbgate, or SIGHUP to the daemon, loads it again"

// covering returns the prefixes that contain the whole of the order's.
func (o *Order) covering(list []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if p.Bits() <= o.Prefix.Bits() && p.Contains(o.Prefix.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// still names what else exempts the order's prefix, at one of its services at least, while these
// exemptions of the operator are in force.
func (o *Order) still(exempt []policy.Exemption) []string {
	out := []string{}
	for _, p := range o.lasting {
		out = append(out, fmt.Sprintf("the policy: %s in exempt.prefixes", sourceText(p)))
	}
	for _, e := range exempt {
		theirs := e.Service == "" || o.Service == "" || e.Service == o.Service
		if theirs && len(o.covering([]netip.Prefix{e.Prefix})) > 0 {
			out = append(out, fmt.Sprintf("the exemption of %s %s", sourceText(e.Prefix), ofService(e.Service)))
		}
	}
	return out[:min(len(out), MaxStill)]
}

// nothingToEnd says what does exempt the prefix, or names what the operator may have meant.
func (o *Order) nothingToEnd(exempt []policy.Exemption) string {
	text := sourceText(o.Prefix) + " has no exemption " + ofService(o.Service)
	if len(o.lasting) > 0 {
		return fmt.Sprintf("%s that was given by hand; the policy exempts it, by %s in exempt.prefixes: take that out of the policy file; %s",
			text, sourceText(o.lasting[0]), reloadHow)
	}
	for _, e := range exempt {
		if e.Prefix.Overlaps(o.Prefix) {
			return fmt.Sprintf("%s; there is one of %s %s", text, sourceText(e.Prefix), ofService(e.Service))
		}
	}
	return text + " that was given by hand; those of the policy file end with their line in it (exempt.prefixes): " + reloadHow
}

func ofService(name string) string {
	if name == "" {
		return "from every service"
	}
	return `from service "` + Escape(name) + `"`
}
