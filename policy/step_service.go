package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// serviceStep is one service's part of one Step: from its old state to its part of the new state and
// of the decision.
type serviceStep struct {
	policy  *Policy
	service *Service
	o       *Observation
	prev    *State
	next    *State
	out     *Decision

	state    ServiceState // as it will be
	exempt   []netip.Prefix
	blocks   blockList
	census   *ServiceCensus // nil: this observation has none
	whole    bool           // a source that is absent from it holds nothing
	counts   []counted      // of the census, source by source
	limited  int            // sources limited after this step, for whatever reason
	full     int            // sources that qualified for a limit but did not fit
	room     *int           // for more blocks, of all services
	aside    *int           // for blocks by hand, beside it
	pressure int            // SYNs a second to all services
	noRoom   int            // blocks there was no room for
	told     []Event        // what was reported before any service
	unplaced int            // likewise, that the operator asked for
	returned []Event        // blocks that are back
	added    []BlockState   // blocks of sources without one
	gone     []prefixCount  // sources blocked in this step, and what they held
	freed    []Event        // blocks that ended
	deeds    []Change       // what the operator did, for the record of open attacks
	again    bool           // one of them goes for another reason in the next turn

	overridden map[netip.Prefix]int // sources with an override, and which

	leavesOf [2][]prefixCount // sources that share the capacity: IPv4, IPv6

	kinds map[Kind]*answered // what this step did, by the kind of attack it answers
}

// counted is a source of a census and what of it counts against shared limits.
type counted struct {
	source netip.Prefix
	held   int // up to its own limit; 0: exempt or blocked
	shared bool
	exempt bool
}

// run carries the service through the step. The order matters: a source's own limit comes before those
// of its prefixes, and both before the fair share, so that the finest group that explains a flood is
// the one that is answered.
func (st *serviceStep) run(old ServiceState) {
	st.kinds, st.overridden = make(map[Kind]*answered), make(map[netip.Prefix]int)
	st.state = ServiceState{Service: st.service.Name, Scope: fmt.Sprint(st.service.Ports, st.service.Addresses), Attacks: old.Attacks}
	if old.Scope != "" && old.Scope != st.state.Scope {
		// What was counted elsewhere is no evidence here.
		st.endAll("the service changed its ports or addresses")
		old = ServiceState{}
	}
	st.look()
	st.state.Full, st.state.NoRoom, st.state.Exempt = old.Full, old.NoRoom, old.Exempt
	st.inherit()
	st.ordered(st.told)
	old = st.obey(old)
	st.state.Proxy = old.Proxy
	st.release()
	st.sources(old.Sources)
	st.endings()
	st.prefixes(old.Prefixes)
	st.share(old.Share)
	st.block()
	st.synFlood(old.SYNs)
	st.proxy()
	st.slow(old.Slow)
	st.settle()
	st.keep()
	st.decide()
}

// look finds the service in this observation's census.
func (st *serviceStep) look() {
	c := &st.o.Census
	if !c.Taken {
		return
	}
	for i := range c.Services {
		if c.Services[i].Service == st.service.Name {
			copied := c.Services[i]
			copied.Sources = inOrder(copied.Sources, ofCensus)
			st.census = &copied
			st.whole = c.Complete && copied.Rest.Sources == 0
		}
	}
}

// keep forgets what does not matter any more. Sources near their limit matter while an attack by
// sources is open: forgetting them sooner would leave connections in the kernel's count whose end the
// kernel no longer sees.
func (st *serviceStep) keep() {
	attacked := anyBySources(st.state.Attacks)
	watched := 0
	st.state.Sources = slices.DeleteFunc(st.state.Sources, func(s SourceState) bool {
		switch {
		case s.limited() || s.Fast > 0 || s.Cut > 0 && st.o.At.Sub(s.CutAt) < cutSeen:
			return false
		case !attacked || s.Held == 0 || watched >= st.policy.Observe.MaxSources:
			return true
		}
		watched++
		return false
	})
	if !st.state.empty() {
		st.next.Services = append(st.next.Services, st.state)
	}
}

// cutSeen is how long after it was closed a connection is seen to have ended, at the latest.
const cutSeen = 5 * time.Second

// empty reports whether there is nothing to remember.
func (s *ServiceState) empty() bool {
	return len(s.Attacks)+len(s.Sources)+len(s.Prefixes) == 0 && !s.Full && s.Share == (ShareState{}) &&
		s.SYNs.empty() && s.Slow == (SlowState{}) && s.Exempt == (OffenderState{}) &&
		s.Proxy == (ProxyState{})
}

// empty reports whether there is nothing to remember.
func (s *SYNState) empty() bool {
	return s.At == 0 && !s.Few.raised() && !s.Many.raised() && s.HalfOpen == 0
}
