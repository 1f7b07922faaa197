package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Explain tells everything that holds for an address and why (P12), from the policy, the state and the
// decision of the newest step, and the newest of what was counted, which is nil where nothing was. It
// changes none of them. Services are listed by name.
func Explain(p *Policy, s *State, d *Decision, seen *Sight, addr netip.Addr) Explanation {
	if seen == nil {
		seen = &Sight{}
	}
	x := explainer{policy: p, state: s, decision: d, seen: seen, addr: addr.Unmap().WithZone("")}
	e := Explanation{Addr: x.addr, Exempt: x.exempt("")}
	for _, prefix := range p.Exempt.Prefixes {
		if prefix.Contains(x.addr) {
			e.Exempt = append(e.Exempt, "the policy exempts "+shortPrefix(prefix))
		}
	}
	x.free = len(e.Exempt) > 0
	for _, svc := range byName(p) {
		e.Services = append(e.Services, x.service(svc))
	}
	return e
}

// explainer gathers what one address is told.
type explainer struct {
	policy   *Policy
	state    *State
	decision *Decision
	seen     *Sight
	addr     netip.Addr
	source   netip.Prefix // what addr counts for at the service at hand
	free     bool         // of every service
	mode     Mode         // of the service at hand
}

// service gathers what holds at one service.
func (x *explainer) service(svc *Service) ServiceExplanation {
	x.source = x.countsFor(svc)
	e := ServiceExplanation{Service: svc.Name, Mode: svc.Mode, Source: x.source, Exempt: x.exempt(svc.Name)}
	free := x.free || len(e.Exempt) > 0
	admin, everywhere := x.admin(svc)
	if admin != "" {
		e.Exempt = append(e.Exempt, admin)
	}
	e.Partly = admin != "" && !everywhere && !free
	free = free || everywhere
	x.mode = svc.Mode
	x.limits(svc, &e)
	x.held(&e)
	x.rate(&e)
	x.syns(&e)
	x.prefixes(svc, &e)
	x.inForce(&e)
	x.strikes(svc, free, &e)
	e.Next = x.foretell(svc, free, &e)
	return e
}

// countsFor returns what the address's connections count for at a service. An IPv6 address that is exempt
// or has limits of its own, by a prefix longer than a source, counts alone, and so does one that a
// census lists alone.
func (x *explainer) countsFor(svc *Service) netip.Prefix {
	source := Group(x.addr, x.policy.Observe.IPv6Source)
	own := netip.PrefixFrom(x.addr, x.addr.BitLen())
	finer := func(p netip.Prefix) bool { return p.Bits() > source.Bits() && p.Contains(x.addr) }
	switch c := x.counted(svc.Name); {
	case source == own:
	case slices.ContainsFunc(x.policy.Exempt.Prefixes, finer),
		slices.ContainsFunc(x.decision.Exempt, func(e Exemption) bool { return finer(e.Prefix) }),
		slices.ContainsFunc(svc.Overrides, func(o Override) bool { return finer(o.Prefix) }),
		c != nil && slices.ContainsFunc(c.Sources, func(s SourceCensus) bool { return s.Source == own }):
		return own
	}
	return source
}

// exempt says which of the operator's exemptions of one service, or of all, free the address.
func (x *explainer) exempt(service string) []string {
	var why []string
	for _, ex := range x.decision.Exempt {
		if ex.Service != service || !ex.Prefix.Contains(x.addr) {
			continue
		}
		text := "the operator exempts " + shortPrefix(ex.Prefix)
		if service != "" {
			text += " of " + service
		}
		if ex.Until != 0 {
			text += " for another " + x.left(ex.Until)
		} else {
			text += " until ebbgate ends"
		}
		if ex.Reason != "" {
			text += ": " + ex.Reason
		}
		why = append(why, text)
	}
	return why
}

// admin says on which of a service's ports the address is exempt because an administrator is logged in
// from it, and whether the service has no others.
func (x *explainer) admin(svc *Service) (why string, everywhere bool) {
	if _, ok := slices.BinarySearchFunc(x.decision.SSH.Admins, x.addr, netip.Addr.Compare); !ok {
		return "", false
	}
	var ports []string
	for _, port := range x.decision.SSH.Ports {
		if slices.ContainsFunc(svc.Ports, func(r PortRange) bool { return r.Contains(port) }) {
			ports = append(ports, fmt.Sprint(port))
		}
	}
	if len(ports) == 0 {
		return "", false
	}
	why = "an administrator is logged in from it"
	for _, a := range x.state.Admins {
		if gone := x.decision.At.Sub(a.SeenAt); a.Addr == x.addr && gone > 0 {
			why = fmt.Sprintf("an administrator was logged in from it %s ago, it stays exempt for another %s", rounded(gone), rounded(adminAfter-gone))
		}
	}
	return fmt.Sprintf("%s: on port %s, where sshd listens", why, strings.Join(ports, ", ")), svc.onlyOn(x.decision.SSH.Ports)
}

// inForce gathers what of the decision covers the address.
func (x *explainer) inForce(e *ServiceExplanation) {
	d := x.decision
	for i := range d.Limits {
		if l := &d.Limits[i]; l.Service == e.Service && l.Source.Contains(x.addr) {
			e.Limits = append(e.Limits, *l)
		}
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Service == e.Service && b.Source.Contains(x.addr) {
			e.Blocks = append(e.Blocks, *b)
		}
	}
	e.Watched = slices.ContainsFunc(d.Watched, func(w Watched) bool { return w.Service == e.Service && w.Source.Contains(x.addr) })
	e.Dropped = slices.ContainsFunc(d.Drops, func(s SYNDrop) bool { return s.Service == e.Service && s.Source.Contains(x.addr) })
}

// strikes gathers what is remembered of blocks: those of the source itself, of its one address and of
// prefixes around it. Who is struck most often tells how long the next block would last.
func (x *explainer) strikes(svc *Service, free bool, e *ServiceExplanation) {
	for i := range x.state.Blocks {
		b := &x.state.Blocks[i]
		if b.Service != svc.Name || !b.Source.Contains(x.addr) {
			continue
		}
		e.Strikes = max(e.Strikes, b.Strikes)
		if b.Strikes > 0 && (e.Forgiven == 0 || b.Decay < e.Forgiven) {
			e.Forgiven = b.Decay
		}
	}
	limited := e.Max > 0 || e.MaxRate > 0 || len(e.Prefixes) > 0 || svc.Capacity > 0
	if steps := svc.Response.BlockFor; !free && limited && svc.Response.BlockAfter > 0 && len(steps) > 0 {
		e.NextFor = steps[min(e.Strikes, len(steps)-1)]
	}
}

// left is how long it is until a time, for people.
func (x *explainer) left(until Instant) string { return rounded(until.Sub(x.decision.At)) }

// rounded writes a duration for people: to the second, and never a negative one.
func rounded(d time.Duration) string {
	if d > time.Second {
		d = d.Round(time.Second)
	}
	return Brief(max(d, 0))
}

// shortPrefix writes a prefix for people: one address without its length.
func shortPrefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
