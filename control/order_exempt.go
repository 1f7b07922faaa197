package control

import (
	"fmt"
	"time"

	"ebbgate/policy"
)

// Exempting is the task to exempt a target. Its outcome is an Exempted.
type Exempting struct {
	Target
	For    time.Duration // above 0
	Reason string
}

func (Exempting) task() {}

// Check wants the service to be one of the policy's, and room for one more exemption.
func (x Exempting) Check(p *policy.Policy, d *policy.Decision) *Error {
	if refusal := x.check(p); refusal != nil {
		return refusal
	}
	if _, replaces := x.exemption(d.Exempt); !replaces && len(d.Exempt) >= MaxExempt {
		return &Error{Kind: KindFull, Message: fmt.Sprintf("%d exemptions are in force, and no more are possible: end some "+
			"(ebbgate unexempt), or put lasting ones into exempt.prefixes of the policy", len(d.Exempt))}
	}
	return nil
}

// Input returns the exemption, from now on.
func (x Exempting) Input(now policy.Instant) policy.Order {
	return policy.Order{Kind: policy.OrderExempt, Exemption: policy.Exemption{
		Prefix: x.Prefix, Service: x.Service, Since: now, Until: now.Add(x.For), Reason: x.Reason}}
}

// Outcome returns the exemption that is in force.
func (x Exempting) Outcome(_ *policy.Policy, before, after *policy.Decision, c Calendar) (any, *Error) {
	_, replaced := x.exemption(before.Exempt)
	is, inForce := x.exemption(after.Exempt)
	if !inForce {
		return nil, &Error{Kind: KindInternal, Message: "the order was carried out, but the exemption is not in force"}
	}
	return Exempted{Exempt: ExemptOf(&is, c), Replaced: replaced, Still: []string{}}, nil
}

// Unexempting is the task to end the exemption of just this target. Its outcome is an Exempted.
type Unexempting struct{ Target }

func (Unexempting) task() {}

// Check wants the service to be one of the policy's, and the exemption to be in force.
func (x Unexempting) Check(p *policy.Policy, d *policy.Decision) *Error {
	if refusal := x.check(p); refusal != nil {
		return refusal
	}
	if _, found := x.exemption(d.Exempt); !found {
		return &Error{Kind: KindNotFound, Message: x.nothingToEnd(p, d)}
	}
	return nil
}

// Input returns the end of the exemption.
func (x Unexempting) Input(policy.Instant) policy.Order {
	return policy.Order{Kind: policy.OrderUnexempt, Exemption: policy.Exemption{Prefix: x.Prefix, Service: x.Service}}
}

// Outcome returns the exemption that was ended, and what exempts the target nevertheless.
func (x Unexempting) Outcome(p *policy.Policy, before, after *policy.Decision, c Calendar) (any, *Error) {
	was, _ := x.exemption(before.Exempt)
	return Exempted{Exempt: ExemptOf(&was, c), Still: x.still(p, after)}, nil
}
