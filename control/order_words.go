package control

import (
	"fmt"
	"net/netip"

	"ebbgate/policy"
)

// reloadHow says how a changed policy file takes effect.
const reloadHow = "ebbgate reload, or systemctl reload ebbgate, loads it again"

// still names what else exempts the target, at one of its services at least.
func (x Unexempting) still(p *policy.Policy, d *policy.Decision) []string {
	out := []string{}
	for _, prefix := range x.covering(p.Exempt.Prefixes) {
		out = append(out, fmt.Sprintf("the policy: %s in exempt.prefixes", SourceText(prefix)))
	}
	for _, e := range d.Exempt {
		theirs := e.Service == "" || x.Service == "" || e.Service == x.Service
		if theirs && len(x.covering([]netip.Prefix{e.Prefix})) > 0 {
			out = append(out, fmt.Sprintf("the exemption of %s %s", SourceText(e.Prefix), ofService(e.Service)))
		}
	}
	return out[:min(len(out), MaxStill)]
}

// nothingToEnd says what does exempt the target, or names what the operator may have meant.
func (x Unexempting) nothingToEnd(p *policy.Policy, d *policy.Decision) string {
	text := SourceText(x.Prefix) + " has no exemption " + ofService(x.Service)
	if lasting := x.covering(p.Exempt.Prefixes); len(lasting) > 0 {
		return fmt.Sprintf("%s that was given by hand; the policy exempts it, by %s in exempt.prefixes: take that out of the policy file; %s",
			text, SourceText(lasting[0]), reloadHow)
	}
	for _, e := range d.Exempt {
		if e.Prefix.Overlaps(x.Prefix) {
			return fmt.Sprintf("%s; there is one of %s %s", text, SourceText(e.Prefix), ofService(e.Service))
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
