package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// witness remembers what was shown, to hold decisions against it.
type witness struct {
	evidence map[string]map[netip.Prefix]int // by service and source, the most connections completed at once, or ended
	admins   map[netip.Addr]Instant          // when last seen
	open     map[uint64]bool                 // attacks, by what was reported
	room     int                             // the most blocks any policy allowed
	sources  int                             // likewise sources of a service
	problems []string
}

func newWitness() *witness {
	return &witness{evidence: map[string]map[netip.Prefix]int{}, admins: map[netip.Addr]Instant{}, open: map[uint64]bool{}}
}

func (s *witness) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// look takes an observation in.
func (s *witness) look(w *world, o *Observation) {
	s.room, s.sources = max(s.room, w.policy.Limits.MaxBlocks), max(s.sources, w.policy.Observe.MaxSources)
	if w.booted {
		clear(s.admins)
		clear(s.open)
	}
	shown := func(service string, source netip.Prefix, n int) {
		if s.evidence[service] == nil {
			s.evidence[service] = map[netip.Prefix]int{}
		}
		s.evidence[service][source] = max(s.evidence[service][source], n)
	}
	for _, svc := range o.Census.Services {
		for _, c := range svc.Sources {
			shown(svc.Service, c.Source, c.Held)
			if c.Single.IsValid() {
				shown(svc.Service, netip.PrefixFrom(c.Single, 128), c.SingleHeld)
			}
		}
	}
	for _, svc := range o.Endings.Services {
		for _, e := range svc.Sources {
			shown(svc.Service, e.Source, e.Ended)
		}
	}
	for _, session := range o.Sessions {
		if session.Root || slices.ContainsFunc(session.Groups, func(g string) bool { return slices.Contains(w.policy.Exempt.SSHGroups, g) }) {
			s.admins[session.From] = o.At
		}
	}
}

// completed is how many connections sources within a prefix were shown to have completed.
func (s *witness) completed(service string, within netip.Prefix) int {
	n := 0
	for source, shown := range s.evidence[service] {
		if within.Bits() <= source.Bits() && within.Contains(source.Addr()) {
			n += shown
		}
	}
	return n
}

// check returns what is wrong with a decision.
func (s *witness) check(w *world, before, after *State, o *Observation, d *Decision) []string {
	s.problems = nil
	s.order(d)
	s.exempt(w, o, d)
	s.answers(w.policy.Acting(d.Modes), o, d)
	s.blocks(before, o, d)
	s.bounds(w.policy, after, d)
	s.attacks(d)
	s.proxies(w.policy, o, d)
	s.modes(w.policy, o, d)
	return s.problems
}

// key names what a list of a decision is about.
func key(service string, source netip.Prefix) string {
	return fmt.Sprintf("%s %x/%03d", service, source.Addr().As16(), source.Bits())
}

// order checks that every list is sorted, and nothing in it twice.
func (s *witness) order(d *Decision) {
	family := func(p netip.Prefix) string { return fmt.Sprint(p.Addr().BitLen()+100, " ") }
	lists := map[string][]string{}
	add := func(list, what string) { lists[list] = append(lists[list], what) }
	for _, l := range d.Limits {
		add("limits", l.Service+" "+family(l.Source)+key("", l.Source))
	}
	for _, l := range d.Watched {
		add("watched", l.Service+" "+family(l.Source)+key("", l.Source))
	}
	for _, l := range d.Blocks {
		add("blocks", l.Service+" "+family(l.Source)+key("", l.Source))
	}
	for _, l := range d.Drops {
		add("drops", l.Service+" "+family(l.Source)+key("", l.Source))
	}
	for _, l := range d.Exempt {
		add("exempt", family(l.Prefix)+key("", l.Prefix)+l.Service)
	}
	for _, l := range d.Reliefs {
		add("reliefs", l.Service)
	}
	for _, l := range d.Meters {
		add("meters", l.Service)
	}
	for _, l := range d.Proxies {
		add("proxies", l.Service)
	}
	for _, a := range d.Attacks {
		add("attacks", fmt.Sprintf("%s %d", a.Service, slices.Index(Kinds(), a.Kind)))
	}
	for _, p := range d.SSH.Ports {
		add("ssh ports", fmt.Sprintf("%05d", p))
	}
	for _, a := range d.SSH.Admins {
		add("admins", key("", netip.PrefixFrom(a, a.BitLen())))
	}
	for name, list := range lists {
		for i := 1; i < len(list); i++ {
			if list[i-1] >= list[i] {
				s.problem("%s: %q is followed by %q", name, list[i-1], list[i])
			}
		}
	}
}

// exempt checks that nothing touches an exempt source (P4), and who is exempt as an administrator.
func (s *witness) exempt(w *world, o *Observation, d *Decision) {
	for _, a := range d.SSH.Admins {
		if at, ok := s.admins[a]; !ok || o.At.Sub(at) >= 10*time.Minute {
			s.problem("%v passes for an administrator", a)
		}
	}
	for _, session := range o.Sessions {
		if at, ok := s.admins[session.From]; ok && at == o.At && !slices.Contains(d.SSH.Admins, session.From) {
			s.problem("%v is an administrator, and not exempt", session.From)
		}
	}
	touch := func(what, service string, source netip.Prefix) {
		list := slices.Clone(w.policy.Exempt.Prefixes)
		for _, e := range d.Exempt {
			if e.Service == "" || e.Service == service {
				list = append(list, e.Prefix)
			}
			if e.Until != 0 && e.Until <= o.At {
				s.problem("the exemption of %v is over since %v", e.Prefix, seconds(e.Until))
			}
		}
		if svc := w.policy.Service(service); svc == nil {
			s.problem("%s of %v at %q, which is no service", what, source, service)
		} else if len(svc.Ports) == 1 && svc.Ports[0] == (PortRange{22, 22}) {
			for _, a := range d.SSH.Admins {
				list = append(list, netip.PrefixFrom(a, a.BitLen()))
			}
		}
		if Covers(list, source) {
			s.problem("%s of %v at %s, which is exempt", what, source, service)
		}
	}
	for _, l := range d.Limits {
		touch("limit", l.Service, l.Source)
	}
	for _, l := range d.Watched {
		touch("watch", l.Service, l.Source)
	}
	for _, b := range d.Blocks {
		touch("block", b.Service, b.Source)
	}
	for _, drop := range d.Drops {
		touch("drop", drop.Service, drop.Source)
	}
}

// answers checks each limit, watch and drop by itself.
func (s *witness) answers(p *Policy, o *Observation, d *Decision) {
	lease := func(what string, service string, until Instant) {
		if svc := p.Service(service); svc != nil && (until <= o.At || until > o.At.Add(svc.Response.Lease)) {
			s.problem("%s at %s until %v, with a lease of %v", what, service, seconds(until), svc.Response.Lease)
		}
	}
	for _, l := range d.Limits {
		lease("limit", l.Service, l.Until)
		svc := p.Service(l.Service)
		switch plain := l.Source.Bits() == Group(l.Source.Addr(), p.Observe.IPv6Source).Bits(); {
		case l.Reason.Rule == "" || l.Max < 1 && l.Reason.Rule != ruleNew && l.Reason.Rule != ruleOverrideNew:
			s.problem("limit of %v to %d because of %q", l.Source, l.Max, l.Reason.Rule)
		case l.Close && l.Held <= l.Max:
			s.problem("limit of %v closes nothing: %d of %d", l.Source, l.Held, l.Max)
		case l.Held > l.Max && !l.Refuse:
			s.problem("limit of %v refuses nothing: %d of %d", l.Source, l.Held, l.Max)
		case l.Exact && svc != nil && (!plain || !countable(svc, l.Source)):
			s.problem("limit of %v to %d passes for one the kernel can count", l.Source, l.Max)
		case s.completed(l.Service, l.Source) == 0:
			s.problem("limit of %v, which no census and no ending ever showed", l.Source)
		}
	}
	for _, l := range d.Watched {
		lease("watch", l.Service, l.Until)
		if svc := p.Service(l.Service); svc != nil && !countable(svc, l.Source) {
			s.problem("watch of %v, whose limit the kernel cannot count", l.Source)
		}
	}
	for _, drop := range d.Drops {
		lease("drop", drop.Service, drop.Until)
		if svc := p.Service(drop.Service); svc != nil && svc.Rate.SYNPerSource == 0 {
			s.problem("drop of %v at %s, which sets no syn_per_source", drop.Source, drop.Service)
		}
		for _, m := range o.SYNs {
			for _, src := range m.Sources {
				if m.Service == drop.Service && src.Source == drop.Source && src.Proven {
					s.problem("drop of %v, which is proven", drop.Source)
				}
			}
		}
	}
	for _, until := range untils(d) {
		if d.Next == 0 || d.Next <= o.At || d.Next > until {
			s.problem("next turn at %v, with something that ends at %v", seconds(d.Next), seconds(until))
		}
	}
}

// countable reports whether a source has the service's own limit.
func countable(svc *Service, source netip.Prefix) bool {
	limit, rule, _, _ := svc.Allowed(source)
	return limit > 0 && rule == rulePerSource
}

// untils returns when something that is in force ends.
func untils(d *Decision) []Instant {
	var list []Instant
	for _, l := range d.Limits {
		list = append(list, l.Until)
	}
	for _, l := range d.Watched {
		list = append(list, l.Until)
	}
	for _, l := range d.Blocks {
		list = append(list, l.Until)
	}
	for _, l := range d.Drops {
		list = append(list, l.Until)
	}
	for _, l := range d.Meters {
		list = append(list, l.Until)
	}
	for _, l := range d.Exempt {
		if l.Until != 0 {
			list = append(list, l.Until)
		}
	}
	for _, m := range d.Modes {
		if m.Until != 0 {
			list = append(list, m.Until)
		}
	}
	return list
}

// blocks checks that each block rests on completed handshakes, and that without new evidence none begins
// or grows (P5).
func (s *witness) blocks(before *State, o *Observation, d *Decision) {
	for i, b := range d.Blocks {
		if b.ByHand() {
			s.byHand(before, o, &d.Blocks[i])
			continue
		}
		if s.completed(b.Service, b.Source) < minEvidence {
			s.problem("block of %v at %s, shown to have completed %d connections", b.Source, b.Service, s.completed(b.Service, b.Source))
		}
		if b.Until <= o.At || b.Strikes < 1 || b.Reason.Rule == "" {
			s.problem("block %+v", b)
		}
		if o.Census.Taken || o.Endings.Taken || o.At < before.At {
			continue
		}
		known := slices.ContainsFunc(before.Blocks, func(old BlockState) bool {
			return old.Service == b.Service && old.Source == b.Source && old.Until == b.Until
		})
		if !known {
			s.problem("block of %v at %s began or grew without evidence", b.Source, b.Service)
		}
	}
}

// bounds checks that the state cannot grow beyond what the policy allows (P9).
func (s *witness) bounds(p *Policy, after *State, d *Decision) {
	if len(after.Blocks) > s.room {
		s.problem("%d blocks, %d are allowed", len(after.Blocks), s.room)
	}
	for _, svc := range after.Services {
		if len(svc.Sources) > 3*s.sources {
			s.problem("%s: %d sources remembered, %d are allowed", svc.Service, len(svc.Sources), s.sources)
		}
		if p.Service(svc.Service) == nil {
			s.problem("%s is remembered and no service", svc.Service)
		}
	}
	limits := map[string]int{}
	for _, l := range d.Limits {
		limits[l.Service]++
	}
	for service, n := range limits {
		if n > 3*s.sources { // sources, prefixes with a limit, and prefixes with a share
			s.problem("%s: %d limits, %d sources are allowed", service, n, s.sources)
		}
	}
	for _, a := range append(slices.Clone(d.Attacks), d.Ended...) {
		if len(a.Changes) > maxChanges || len(a.Top) > maxTop {
			s.problem("attack %d has %d changes and names %d prefixes", a.ID, len(a.Changes), len(a.Top))
		}
	}
}

// attacks checks that what is open is what was reported to have begun and not to have ended, and that
// whatever is limited belongs to one.
func (s *witness) attacks(d *Decision) {
	for _, e := range d.Events {
		switch e.Kind {
		case AttackBegan:
			s.open[e.Attack] = true
		case AttackEnded:
			if !s.open[e.Attack] {
				s.problem("attack %d ended, which was not open", e.Attack)
			}
			delete(s.open, e.Attack)
		}
		if e.At != d.At || e.Count < 1 {
			s.problem("event %+v", e)
		}
	}
	var services []string
	for _, a := range d.Attacks {
		services = append(services, a.Service)
		if !s.open[a.ID] || a.Ended != 0 {
			s.problem("attack %d is open and was not reported to be", a.ID)
		}
	}
	if len(d.Attacks) != len(s.open) {
		s.problem("%d attacks are open, %d were reported", len(d.Attacks), len(s.open))
	}
	for _, l := range d.Limits {
		if !slices.Contains(services, l.Service) {
			s.problem("limit of %v at %s without an attack", l.Source, l.Service)
		}
	}
	if d.Watch.Attack != slices.ContainsFunc(d.Attacks, func(a Attack) bool { return a.Kind.bySources() }) {
		s.problem("watching says %s", strings.ToLower(fmt.Sprint(d.Watch)))
	}
}
