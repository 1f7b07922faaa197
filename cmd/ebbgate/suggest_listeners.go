package main

import (
	"context"
	"errors"
	"fmt"

	"ebbgate/internal/suggest"
	"ebbgate/internal/survey"
	"ebbgate/policy"
)

// discovery is a policy for what listens on a host that has none.
type discovery struct {
	policy *policy.Policy
	left   int // ports that found no place
}

// errNothingListens says that there is nothing to suggest anything for.
var errNothingListens = errors.New("nothing listens on this host but on loopback addresses: name the services in a policy and give it by --config")

// discover makes a service of each program that listens.
func discover(ctx context.Context) (*discovery, error) {
	s, l, _, err := lookAtListeners(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var all []suggest.Listener
	for _, list := range l.ByService {
		for i := range list {
			all = append(all, suggest.Listener{Local: list[i].Local, Holders: processes(&list[i])})
		}
	}
	services, left := suggest.Discover(all)
	if len(services) == 0 {
		return nil, errNothingListens
	}
	p, err := policy.Parse("services found", []byte(suggest.Snippet(services)))
	if err != nil {
		return nil, fmt.Errorf("make services of what listens: %w", err)
	}
	return &discovery{p, left}, nil
}

// holdersOf finds the processes that listen for each service of p, each once. hidden counts those that
// could not be looked into.
func holdersOf(ctx context.Context, p *policy.Policy) (holders map[string][]suggest.Process, hidden int, err error) {
	s, l, hidden, err := lookAtListeners(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	holders = make(map[string][]suggest.Process)
	for i, list := range l.ByService {
		name, known := s.Services()[i].Name, make(map[int]bool)
		for j := range list {
			for _, h := range processes(&list[j]) {
				if !known[h.PID] {
					known[h.PID] = true
					holders[name] = append(holders[name], h)
				}
			}
		}
	}
	return holders, hidden, nil
}

// lookAtListeners lists the listening sockets by service, with their processes. The caller closes the
// survey.
func lookAtListeners(ctx context.Context, p *policy.Policy) (*survey.Survey, *survey.Listeners, int, error) {
	s, err := survey.Open(ctx, survey.Selection{}, p)
	if err != nil {
		return nil, nil, 0, err
	}
	l := s.Listeners()
	hidden, err := survey.LookUp(ctx, l)
	if err != nil {
		return nil, nil, 0, errors.Join(err, s.Close())
	}
	return s, l, hidden, nil
}

func processes(b *survey.Backlog) []suggest.Process {
	out := make([]suggest.Process, 0, len(b.Holders))
	for _, h := range b.Holders {
		out = append(out, suggest.Process{PID: h.PID, Name: h.Name, Unit: h.Unit, FileLimit: h.FileLimit, Files: h.Files})
	}
	return out
}
