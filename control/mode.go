package control

import (
	"fmt"
	"strconv"
	"strings"

	"ebbgate/policy"
)

// ModeRequest is the body of POST /v1/mode.
type ModeRequest struct {
	Mode    policy.Mode `json:"mode"`
	Service string      `json:"service,omitempty"` // empty: all
	For     Duration    `json:"for,omitempty"`     // at most LongestTrial, then back by itself unless confirmed; 0: until the next reload or restart
}

// Moded is the answer: the modes that hold now.
type Moded struct {
	Services []ServiceMode `json:"services"` // in the order of the policy file
}

// ServiceMode is the mode of one service.
type ServiceMode struct {
	Service string      `json:"service"`
	Mode    policy.Mode `json:"mode"`   // in force
	Policy  policy.Mode `json:"policy"` // of the policy file
	ByHand  bool        `json:"by_hand"`
	Then    policy.Mode `json:"then"`  // in force from Until on
	Until   Time        `json:"until"` // null: what is in force stays, until the next reload or restart where it was set by hand
	Left    Duration    `json:"left"`  // 0 where Until is null
}

// Confirmed is the answer to POST /v1/confirm: what was on trial and stays.
type Confirmed struct {
	Policy   bool          `json:"policy"`   // the policy file was
	Services []ServiceMode `json:"services"` // whose mode was, in the order of the policy file
}

// ModesOf returns the modes of a policy's services, in its order.
func ModesOf(p *policy.Policy, modes []policy.HandMode, c Calendar) []ServiceMode {
	out := make([]ServiceMode, 0, len(p.Services))
	for i := range p.Services {
		out = append(out, modeOf(&p.Services[i], modes, c))
	}
	return out
}

// modeOf returns the mode of a service: of those set by hand the last holds.
func modeOf(svc *policy.Service, modes []policy.HandMode, c Calendar) ServiceMode {
	out := ServiceMode{Service: svc.Name, Mode: svc.Mode, Policy: svc.Mode, Then: svc.Mode}
	for i := range modes {
		m := &modes[i]
		if m.Service != svc.Name {
			continue
		}
		out.ByHand, out.Then, out.Mode = true, out.Mode, m.Mode
		if m.Until == 0 {
			out.Then = m.Mode
			continue
		}
		out.Until, out.Left = c.Time(m.Until), c.Left(m.Until)
	}
	return out
}

// ModesShown returns the modes a status tells of one service, or with the empty name of all. That there is no
// such service is an error.
func ModesShown(s *Status, service string) (*Moded, error) {
	out := &Moded{Services: []ServiceMode{}}
	for i := range s.Services {
		svc := &s.Services[i]
		if service != "" && svc.Name != service {
			continue
		}
		m := ServiceMode{Service: svc.Name, Mode: svc.Mode, Policy: svc.Mode, Then: svc.Mode}
		for _, set := range s.Modes {
			if set.Service == svc.Name {
				m = set
			}
		}
		out.Services = append(out.Services, m)
	}
	if len(out.Services) == 0 && service != "" {
		names := make([]string, len(s.Services))
		for i := range s.Services {
			names[i] = strconv.Quote(s.Services[i].Name)
		}
		return nil, fmt.Errorf("service: there is no service %q; the policy has %s", service, strings.Join(names, ", "))
	}
	return out, nil
}
