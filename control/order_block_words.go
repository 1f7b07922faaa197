package control

import (
	"fmt"
	"net/netip"

	"ebbgate/policy"
)

// shadowed says that the target cannot be blocked, as nothing is in shadow mode; nil: it can be, at one
// service at least.
func (x Blocking) shadowed(p *policy.Policy) *Error {
	for i := range p.Services {
		if svc := &p.Services[i]; x.at(svc.Name) && svc.Mode == policy.Enforce {
			return nil
		}
	}
	if x.Service == "" {
		return &Error{Kind: KindRefused, Message: "every service is in shadow mode, which passes every packet: nothing was blocked; " +
			"ebbgate mode enforce, with --service SERVICE for one alone, has blocks hold"}
	}
	return &Error{Kind: KindRefused, Message: fmt.Sprintf("service %q is in shadow mode, which passes every packet: nothing was blocked; "+
		"ebbgate mode enforce --service %s has blocks hold there", x.Service, x.Service)}
}

// spared says by what the whole of the target is exempt, so that a block would do nothing, and that it is
// where an administrator is logged in; nil: neither.
func (x Blocking) spared(p *policy.Policy, d *policy.Decision) *Error {
	if lasting := x.covering(p.Exempt.Prefixes); len(lasting) > 0 {
		return &Error{Kind: KindRefused, Message: fmt.Sprintf("%s is exempt by the policy, by %s in exempt.prefixes: nothing was blocked; "+
			"take that out of the policy file first; %s", SourceText(x.Prefix), SourceText(lasting[0]), reloadHow)}
	}
	for _, e := range d.Exempt {
		if (e.Service == "" || e.Service == x.Service) && len(x.covering([]netip.Prefix{e.Prefix})) > 0 {
			end := "ebbgate unexempt " + SourceText(e.Prefix)
			if e.Service != "" {
				end += " --service " + e.Service
			}
			return &Error{Kind: KindRefused, Message: fmt.Sprintf("%s is exempt by hand, by %s %s: nothing was blocked; %s ends that",
				SourceText(x.Prefix), SourceText(e.Prefix), ofService(e.Service), end)}
		}
	}
	for _, a := range d.SSH.Admins {
		if x.Service == "" && x.Prefix.IsSingleIP() && x.Prefix.Addr() == a {
			return &Error{Kind: KindRefused, Message: fmt.Sprintf("an administrator is, or was minutes ago, logged in from %s: nothing was blocked; "+
				"name a service (--service) to block it there all the same; sshd's ports stay open to it", a)}
		}
	}
	return nil
}

// still says what keeps a block from having its whole effect.
func (x Blocking) still(p *policy.Policy, d *policy.Decision) []string {
	out := []string{}
	for i := range p.Services {
		if svc := &p.Services[i]; x.at(svc.Name) && svc.Mode == policy.Shadow {
			out = append(out, fmt.Sprintf("service %q is in shadow mode: it is not blocked there (ebbgate mode enforce --service %s)",
				Escape(svc.Name), Escape(svc.Name)))
		}
	}
	for _, prefix := range p.Exempt.Prefixes {
		if x.contains(prefix) {
			out = append(out, fmt.Sprintf("%s within it is exempt by the policy (exempt.prefixes)", SourceText(prefix)))
		}
	}
	for _, e := range d.Exempt {
		if (x.contains(e.Prefix) || len(x.covering([]netip.Prefix{e.Prefix})) > 0) && (x.Service == "" || e.Service == "" || e.Service == x.Service) {
			out = append(out, fmt.Sprintf("%s is exempt %s by hand (ebbgate unexempt)", SourceText(e.Prefix), ofService(e.Service)))
		}
	}
	for _, a := range d.SSH.Admins {
		if x.Prefix.Contains(a) {
			out = append(out, fmt.Sprintf("an administrator is logged in from %s: sshd's ports stay open to it", a))
		}
	}
	return out
}

// around names the blocks of wider prefixes that go on.
func (x Unblocking) around(d *policy.Decision, c Calendar) []string {
	out := []string{}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Source == x.Prefix || !x.at(b.Service) || len(x.covering([]netip.Prefix{b.Source})) == 0 || len(out) == MaxStill {
			continue
		}
		out = append(out, fmt.Sprintf("%s around it is blocked at service %q for %s more (ebbgate unblock %s, or ebbgate exempt %s)",
			SourceText(b.Source), Escape(b.Service), Length(c.Left(b.Until).std()), SourceText(b.Source), SourceText(x.Prefix)))
	}
	for i := range d.Limits {
		l := &d.Limits[i]
		if l.Source == x.Prefix || !x.at(l.Service) || len(x.covering([]netip.Prefix{l.Source})) == 0 || len(out) == MaxStill {
			continue
		}
		out = append(out, fmt.Sprintf("%s around it is limited at service %q (ebbgate unblock %s, or ebbgate exempt %s)",
			SourceText(l.Source), Escape(l.Service), SourceText(l.Source), SourceText(x.Prefix)))
	}
	return out
}

// nothingToFree says what does hold the target, or where to look.
func (x Unblocking) nothingToFree(p *policy.Policy, d *policy.Decision) string {
	text := fmt.Sprintf("%s is neither blocked nor limited", SourceText(x.Prefix))
	if x.Service != "" {
		text += fmt.Sprintf(" at service %q", x.Service)
	}
	if around := x.around(d, Calendar{Now: d.At}); len(around) > 0 {
		return text + " by itself, but " + around[0]
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; x.contains(b.Source) {
			return fmt.Sprintf("%s; %s is blocked at service %q", text, SourceText(b.Source), b.Service)
		}
	}
	if lasting := x.covering(p.Exempt.Prefixes); len(lasting) > 0 {
		return fmt.Sprintf("%s: the policy exempts it, by %s in exempt.prefixes", text, SourceText(lasting[0]))
	}
	return text + "; ebbgate explain ADDR tells all that holds for an address"
}
