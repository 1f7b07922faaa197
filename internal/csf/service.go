package csf

import (
	"fmt"
	"maps"
	"slices"

	"ebbgate/policy"
)

// service is one [[service]] of the policy, with the comments of its parts.
type service struct {
	name      string
	ports     []policy.PortRange
	portsNote string
	perSource int
	heldNote  string
	rate      int
	rateNote  string
	tracked   bool // csf's CT_ settings hold for it
}

// group makes services: one for each port with limits of its own, one for what is left of the ports CT_LIMIT
// counts. Where csf has no limit at all, the ports it lets in are one service without a limit, so that the
// policy has something to watch.
func (t *translator) group() {
	for _, p := range slices.Sorted(maps.Keys(t.ports)) {
		l := t.ports[p]
		s := service{name: fmt.Sprintf("port-%d", p), ports: []policy.PortRange{{First: p, Last: p}},
			perSource: l.held, heldNote: l.heldNote, rate: l.rate, rateNote: l.rateNote, tracked: t.ct.ports.has(p)}
		if s.perSource == 0 && s.tracked {
			s.perSource, s.heldNote = t.ct.limit, t.ct.limitNote
		}
		t.ct.ports.remove(p)
		t.services = append(t.services, s)
	}
	s := service{name: "csf-ports", portsNote: t.ct.portsNote, perSource: t.ct.limit, heldNote: t.ct.limitNote, tracked: true}
	ranges := t.ct.ports.ranges()
	if len(t.services) == 0 && len(ranges) == 0 {
		ranges = t.unlimited(&s)
	}
	for n := 1; len(ranges) > 0; n++ {
		one := s
		if n > 1 {
			one.name = fmt.Sprintf("csf-ports-%d", n)
		}
		if len(t.services) == policy.MaxServices {
			t.out.Left = append(t.out.Left, Leftover{Why: fmt.Sprintf("the ports from %d on: a policy has at most %d services", ranges[0].First, policy.MaxServices)})
			return
		}
		one.ports = ranges[:min(len(ranges), policy.MaxPortRanges)]
		ranges = ranges[len(one.ports):]
		t.services = append(t.services, one)
	}
}

// unlimited makes s the service of all that csf lets in.
func (t *translator) unlimited(s *service) []policy.PortRange {
	set, from := t.tcpIn()
	s.name, s.tracked = "csf-ports", false
	for _, e := range from {
		s.portsNote += t.taken(e, "service.ports", "What csf lets in. csf limits no connections to it, so nothing is limited here either.", false) + " "
	}
	return set.ranges()
}
