package control

import (
	"fmt"
	"time"

	"ebbgate/policy"
)

// LongestTrial is how long a mode or a policy may be on trial at most, and ShortestTrial how long at least.
const (
	ShortestTrial = 2 * time.Second
	LongestTrial  = 7 * 24 * time.Hour
)

// Moding is the task to change the mode of a service, or of all. Its outcome is a Moded.
type Moding struct {
	Mode    policy.Mode
	Service string        // empty: all
	For     time.Duration // 0: until the next reload or restart
}

func (Moding) task() {}

// Check wants the service to be one of the policy's.
func (x Moding) Check(p *policy.Policy, _ *policy.Decision) *Error {
	return Target{Service: x.Service}.check(p)
}

// Input returns the mode, from now on.
func (x Moding) Input(now policy.Instant) policy.Order {
	m := policy.HandMode{Service: x.Service, Mode: x.Mode, Since: now}
	if x.For > 0 {
		m.Until = now.Add(x.For)
	}
	return policy.Order{Kind: policy.OrderMode, Mode: m}
}

// Outcome returns the modes of all services. The policy is that of the file.
func (x Moding) Outcome(p *policy.Policy, _, after *policy.Decision, c Calendar) (any, *Error) {
	return Moded{Services: ModesOf(p, after.Modes, c)}, nil
}

// Confirming is the task to let everything that is on trial stay, which the loop does itself. Its outcome is
// a Confirmed.
type Confirming struct{}

func (Confirming) task() {}

// CheckTrial says how long something may be on trial.
func CheckTrial(d time.Duration) error {
	if d < ShortestTrial || d > LongestTrial {
		return fmt.Errorf("%s is out of range; it must be %s to %s (7 days)", d, ShortestTrial, Length(LongestTrial))
	}
	return nil
}

// CheckBlockFor says what lengths a block by hand may have.
func CheckBlockFor(d time.Duration) error {
	if d < time.Second || d > LongestBlock {
		return fmt.Errorf("%s is out of range; it must be 1s to %s (30 days)", d, Length(LongestBlock))
	}
	return nil
}
