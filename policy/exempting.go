package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// adminAfter is how long an administrator's address stays exempt after his last session.
const adminAfter = 10 * time.Minute

// maxAdmins bounds the addresses of administrators, and the ports of sshd. Those that are gone are
// forgotten first.
const maxAdmins = 1024

// exempting brings exemptions up to date: what the operator ordered, what has run out, and who is
// logged in.
func exempting(p *Policy, s *State, o *Observation, next *State, d *Decision) {
	next.Exempt = s.Exempt
	for _, order := range o.Orders {
		next.order(order, o.At, d)
	}
	next.expire(o.At, d)
	d.Exempt = next.Exempt
	next.Admins = admins(p, s.Admins, o)
	next.SSH = sshPorts(s.SSH, o)
	for _, s := range next.SSH {
		d.SSH.Ports = append(d.SSH.Ports, s.Port)
	}
	for _, a := range next.Admins {
		d.SSH.Admins = append(d.SSH.Admins, a.Addr)
	}
}

// order carries one order out.
func (s *State) order(order Order, at Instant, d *Decision) {
	e := order.Exemption
	i, found := slices.BinarySearchFunc(s.Exempt, e, compareExemptions)
	list := slices.Clone(s.Exempt)
	switch order.Kind {
	case OrderExempt:
		if found && list[i] == e {
			return
		}
		if found {
			list[i] = e
		} else {
			list = slices.Insert(list, i, e)
		}
		d.Events = append(d.Events, Event{Kind: ExemptAdded, At: at, Service: e.Service, Source: e.Prefix, Count: 1, Why: e.Reason})
	case OrderUnexempt:
		if !found {
			return
		}
		list = slices.Delete(list, i, i+1)
		d.Events = append(d.Events, Event{Kind: ExemptEnded, At: at, Service: e.Service, Source: e.Prefix, Count: 1, Why: "the operator ended it"})
	}
	s.Exempt = list
}

// expire ends the exemptions whose time is over.
func (s *State) expire(at Instant, d *Decision) {
	over := func(e Exemption) bool { return e.Until != 0 && e.Until <= at }
	if !slices.ContainsFunc(s.Exempt, over) {
		return
	}
	var left []Exemption
	for _, e := range s.Exempt {
		if !over(e) {
			left = append(left, e)
			continue
		}
		d.Events = append(d.Events, Event{Kind: ExemptEnded, At: at, Service: e.Service, Source: e.Prefix, Count: 1, Why: "its time was over"})
	}
	s.Exempt = left
}

func compareExemptions(a, b Exemption) int {
	return cmp.Or(ComparePrefix(a.Prefix, b.Prefix), cmp.Compare(a.Service, b.Service))
}

// sshPorts returns the ports sshd listens on, or did lately: while it is started anew nobody who is logged
// in is to lose his session.
func sshPorts(old []SSHState, o *Observation) []SSHState {
	var now []SSHState
	for _, l := range o.Listeners {
		if l.SSH {
			now = append(now, SSHState{Port: l.Local.Port(), SeenAt: o.At})
		}
	}
	return lately(now, old, func(s SSHState) bool { return o.At.Sub(s.SeenAt) < adminAfter },
		func(a, b SSHState) int { return cmp.Compare(a.Port, b.Port) })
}

// admins returns the addresses administrators are, or lately were, logged in from. A TCP connection to
// sshd makes nobody an administrator; only a session of root or of a member of exempt.ssh_groups does.
func admins(p *Policy, old []AdminState, o *Observation) []AdminState {
	var now []AdminState
	for _, s := range o.Sessions {
		if s.From.IsValid() && (s.Root || slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(p.Exempt.SSHGroups, g) })) {
			now = append(now, AdminState{Addr: s.From, SeenAt: o.At})
		}
	}
	return lately(now, old, func(a AdminState) bool { return o.At.Sub(a.SeenAt) < adminAfter },
		func(a, b AdminState) int { return a.Addr.Compare(b.Addr) })
}

// lately returns what is seen now and, within the bound, what was seen not long ago, sorted and each once:
// as it is seen now, if it is.
func lately[T any](now, old []T, recent func(T) bool, order func(a, b T) int) []T {
	for _, x := range old {
		if recent(x) && len(now) < maxAdmins {
			now = append(now, x)
		}
	}
	slices.SortStableFunc(now, order)
	return slices.CompactFunc(now, func(a, b T) bool { return order(a, b) == 0 })
}

// ExemptOf returns the prefixes whose answers per source are off at a service as of a decision, sorted:
// those of the policy and of the operator. Administrators are among them where sshd listens on all of
// its ports.
func ExemptOf(p *Policy, svc *Service, d *Decision) []netip.Prefix {
	return exemptAt(exemptEverywhere(p, d), svc, d)
}

// exemptEverywhere returns the prefixes that are exempt of every service, sorted.
func exemptEverywhere(p *Policy, d *Decision) []netip.Prefix {
	var more []netip.Prefix
	for _, e := range d.Exempt {
		if e.Service == "" {
			more = append(more, e.Prefix)
		}
	}
	return with(p.Exempt.Prefixes, more)
}

// exemptAt adds those that are exempt of one service.
func exemptAt(everywhere []netip.Prefix, svc *Service, d *Decision) []netip.Prefix {
	var more []netip.Prefix
	for _, e := range d.Exempt {
		if e.Service == svc.Name {
			more = append(more, e.Prefix)
		}
	}
	if svc.onlyOn(d.SSH.Ports) {
		for _, a := range d.SSH.Admins {
			more = append(more, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return with(everywhere, more)
}

// with adds prefixes to a list and returns it sorted: the list itself, or a copy.
func with(list, more []netip.Prefix) []netip.Prefix {
	if len(more) > 0 || !slices.IsSortedFunc(list, ComparePrefix) {
		list = slices.Concat(list, more)
		slices.SortFunc(list, ComparePrefix)
	}
	return list
}

// onlyOn reports whether the service has no port but those listed.
func (s *Service) onlyOn(ports []uint16) bool {
	for _, r := range s.Ports {
		for port := int(r.First); port <= int(r.Last); port++ {
			if !slices.Contains(ports, uint16(port)) {
				return false
			}
		}
	}
	return len(s.Ports) > 0
}
