package demo

import (
	"context"
	"errors"

	"ebbgate/internal/lab"
)

// Service is the port of the server that is attacked, and Capacity how many connections it holds.
const (
	ServicePort = servicePort
	Capacity    = capacity
)

// Scene is one kind of attack for other plays than the demo's: the server and the attackers, without
// the daemon and its policy.
type Scene struct{ kind kind }

// Scenes returns the kinds in the order of Kinds, with SYN floods of that many SYNs a second.
func Scenes(synRate int) []Scene {
	var scenes []Scene
	for _, k := range kindsAt(synRate) {
		scenes = append(scenes, Scene{k})
	}
	return scenes
}

// Name returns the kind's name, as the daemon calls it.
func (s Scene) Name() string { return s.kind.name }

// Attacked reports whether there are attackers whom a defence can hold off. False: it is the
// application itself that fails, and nobody is to be held off.
func (s Scene) Attacked() bool { return s.kind.cured }

// Prepare sets what the kind needs of the victim.
func (s Scene) Prepare(victim *lab.Namespace) error { return s.kind.prepare(victim) }

// Server describes the server that is attacked, on ServicePort of both families.
func (s Scene) Server() lab.ServerConfig { return s.kind.application() }

// Begin lets the attackers loose on the server.
func (s Scene) Begin(ctx context.Context, attackers *lab.Namespace, server Application) (*Attack, error) {
	floods, err := s.kind.begin(ctx, ground{attackers, server})
	a := &Attack{floods}
	if err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	return a, nil
}

// Attack is a scene's attack under way.
type Attack struct{ floods []flood }

// Sent returns how many SYNs the attackers have sent: forged ones, and those of connections they tried to
// open.
func (a *Attack) Sent() uint64 {
	var sum tally
	for _, f := range a.floods {
		sum = sum.plus(f.tally())
	}
	return sum.syns + sum.attempts
}

// Stop ends the attack: what the attackers hold is reset.
func (a *Attack) Stop() error {
	var errs []error
	for _, f := range a.floods {
		errs = append(errs, f.Stop())
	}
	a.floods = nil
	return errors.Join(errs...)
}
