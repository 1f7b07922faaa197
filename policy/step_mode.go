package policy

import (
	"cmp"
	"slices"
	"time"
)

// HandMode is a mode the operator set while the daemon ran. It holds in place of the policy's.
type HandMode struct {
	Service string
	Mode    Mode
	Since   Instant
	Until   Instant // then what held before holds again; 0: until the policy is loaded again
}

// Acting returns the policy with modes by hand in place of its own: p itself where they say nothing else. The
// modes are sorted as Decision.Modes is.
func (p *Policy) Acting(modes []HandMode) *Policy {
	out := p
	for i := range p.Services {
		svc := &p.Services[i]
		mode := modeOf(svc, modes)
		if mode == svc.Mode {
			continue
		}
		if out == p {
			copied := *p
			copied.Services = slices.Clone(p.Services)
			out = &copied
		}
		out.Services[i].Mode = mode
	}
	return out
}

// modeOf returns the mode a service is in: of several by hand the last one holds.
func modeOf(svc *Service, modes []HandMode) Mode {
	mode := svc.Mode
	for i := range modes {
		if modes[i].Service == svc.Name {
			mode = modes[i].Mode
		}
	}
	return mode
}

// compareModes sorts modes by service, the one to go back to before the one that ends by itself.
func compareModes(a, b HandMode) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Until, b.Until))
}

// acting is a policy with modes by hand. It follows from both, and is kept so that it is the same one as long
// as they are.
type acting struct {
	policy *Policy
	modes  []HandMode
	acts   *Policy
}

// Acting returns the policy by which the last Step decided: its own, with modes by hand in place of those of
// the file. It is another one only if that policy or the modes changed; nil: there was no Step yet.
func (s *State) Acting() *Policy { return s.acting.acts }

// moding brings the modes by hand up to date and returns the policy with them.
func moding(p *Policy, s *State, o *Observation, next *State, d *Decision) *Policy {
	next.Modes = s.Modes
	why := "its time was over"
	for i := range o.Orders {
		if order := &o.Orders[i]; next.mode(p, order) {
			why = order.why(o.At)
		}
	}
	next.Modes = lasting(p, next.Modes, o.At)
	d.Modes = next.Modes
	if len(s.Modes)+len(next.Modes) > 0 {
		for _, svc := range byName(p) {
			if now := modeOf(svc, next.Modes); now != modeOf(svc, s.Modes) {
				d.Events = append(d.Events, Event{Kind: ModeChanged, At: o.At, Service: svc.Name, Mode: now, Count: 1, Why: why})
			}
		}
	}
	next.acting = s.acting
	if a := &next.acting; a.policy != p || !slices.Equal(a.modes, next.Modes) {
		*a = acting{policy: p, modes: next.Modes, acts: p.Acting(next.Modes)}
	}
	return next.acting.acts
}

// mode carries out an order that is about modes, and reports whether it is.
func (s *State) mode(p *Policy, order *Order) bool {
	var now []HandMode
	switch order.Kind {
	case OrderMode:
		now = s.Modes
		for i := range p.Services {
			if svc := &p.Services[i]; order.Mode.Service == "" || order.Mode.Service == svc.Name {
				m := order.Mode
				m.Service = svc.Name
				now = replaced(now, svc, m)
			}
		}
	case OrderConfirm:
		now = s.Modes
		for _, m := range s.Modes {
			if svc := p.Service(m.Service); m.Until != 0 && svc != nil {
				m.Until = 0
				now = replaced(now, svc, m)
			}
		}
	case OrderModes:
		now = slices.Clone(order.Modes)
	default:
		return false
	}
	slices.SortFunc(now, compareModes)
	s.Modes = now
	return true
}

// why says in words why an order changed modes.
func (o *Order) why(at Instant) string {
	switch {
	case o.Kind == OrderModes:
		return "the policy was changed"
	case o.Kind == OrderConfirm:
		return "the operator confirmed it"
	case o.Mode.Until != 0:
		return "by hand, for " + Brief(o.Mode.Until.Sub(at).Round(time.Second))
	}
	return "by hand"
}

// replaced returns the modes with another of one service: one that ends by itself goes before what holds
// without, and any other replaces both. What says the same as what is under it is left out.
func replaced(modes []HandMode, svc *Service, m HandMode) []HandMode {
	out := slices.DeleteFunc(slices.Clone(modes), func(old HandMode) bool {
		return old.Service == svc.Name && (m.Until == 0 || old.Until != 0)
	})
	if m.Mode != modeOf(svc, out) {
		out = append(out, m)
	}
	return out
}

// lasting returns the modes whose time is not over, of services the policy has.
func lasting(p *Policy, modes []HandMode, at Instant) []HandMode {
	over := func(m HandMode) bool { return m.Until != 0 && m.Until <= at || p.Service(m.Service) == nil }
	if !slices.ContainsFunc(modes, over) {
		return modes
	}
	modes = slices.DeleteFunc(slices.Clone(modes), over)
	if len(modes) == 0 {
		return nil
	}
	return modes
}
