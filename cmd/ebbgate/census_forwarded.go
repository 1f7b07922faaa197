package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"ebbgate/control"
	"ebbgate/observer"
	"ebbgate/policy"
)

// onwardOnly returns a policy with those services that watch connections the host passes on, and
// only those connections; nil if there are none.
func onwardOnly(p *policy.Policy) *policy.Policy {
	if p == nil {
		return nil
	}
	out := *p
	out.Services = nil
	for _, s := range p.Services {
		if s.Traffic.Onward() {
			s.Traffic = policy.Forwarded
			out.Services = append(out.Services, s)
		}
	}
	if out.Services == nil {
		return nil
	}
	return &out
}

// errOnwardWhole says why forwarded connections are missing from a narrowed count.
var errOnwardWhole = errors.New("connections this host passes on, which are counted by service only: without --port, --source, --state or --group")

// addForwarded counts the connections the host passes on as the daemon does, from conntrack. What
// it could not count it says.
func (c *counted) addForwarded(ctx context.Context, l *look) error {
	p := onwardOnly(l.policy)
	if p == nil {
		return nil
	}
	if l.narrowed {
		return errOnwardWhole
	}
	o, err := observer.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer o.Close()
	o.SetPolicy(p)
	census, err := o.Census(ctx)
	if !census.Taken {
		return err
	}
	for i := range census.Services {
		s := &census.Services[i]
		c.Services = append(c.Services, newForwarded(p.Service(s.Service), s, l.top))
	}
	return err
}

func newForwarded(svc *policy.Service, s *policy.ServiceCensus, top int) countedService {
	out := countedService{Service: s.Service, Traffic: policy.Forwarded.String(), Ports: control.PortsText(svc.Ports), Sockets: s.Held + s.HalfOpen,
		Held: &s.Held, HalfOpen: &s.HalfOpen, Sources: len(s.Sources) + s.Rest.Sources, Top: []countedSource{}}
	heaviest := slices.Clone(s.Sources)
	slices.SortStableFunc(heaviest, func(a, b policy.SourceCensus) int { return b.Held - a.Held })
	for i := range heaviest[:min(top, len(heaviest))] {
		h := &heaviest[i]
		out.Top = append(out.Top, countedSource{sourceText(h.Source), h.Held + h.HalfOpen, &h.Held, &h.HalfOpen})
	}
	return out
}
