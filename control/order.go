package control

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"ebbgate/policy"
)

// Order is something root asks the daemon's loop to do. The server hands it over by Server.Orders
// and keeps the asker waiting. The loop takes it, makes it part of a turn, and answers with Done or
// Refuse once the kernel knows. Neither side ever waits for the other: an order nobody has taken
// when the asker's time is over is withdrawn, and Take says so.
type Order struct {
	Kind    policy.OrderKind
	Prefix  netip.Prefix  // masked and unmapped
	Service string        // empty: all
	For     time.Duration // of policy.OrderExempt; above 0
	Reason  string        // of policy.OrderExempt

	lasting []netip.Prefix // that the policy exempts and that cover Prefix; Check finds them
	state   atomic.Int32
	answer  chan outcome // capacity 1: whoever answers first never waits
}

// outcome is how an order ended.
type outcome struct {
	done    Exempted
	refusal *Error
}

// The states of an order.
const (
	orderWaits int32 = iota
	orderTaken
	orderWithdrawn
)

// NewOrder returns an order that nobody has taken.
func NewOrder(kind policy.OrderKind, prefix netip.Prefix, service string, d time.Duration, reason string) *Order {
	return &Order{Kind: kind, Prefix: prefix, Service: service, For: d, Reason: reason, answer: make(chan outcome, 1)}
}

// Take makes the order the caller's to carry out. False means that the asker has been told that it
// was withdrawn: it must not be carried out. It is true once.
func (o *Order) Take() bool { return o.state.CompareAndSwap(orderWaits, orderTaken) }

// Policy returns the order as the decision takes it, given at now.
func (o *Order) Policy(now policy.Instant) policy.Order {
	e := policy.Exemption{Prefix: o.Prefix, Service: o.Service}
	if o.Kind == policy.OrderExempt {
		e.Since, e.Until, e.Reason = now, now.Add(o.For), o.Reason
	}
	return policy.Order{Kind: o.Kind, Exemption: e}
}

// Check says why the order cannot be carried out with this policy while these exemptions of the
// operator are in force; nil: it can.
func (o *Order) Check(p *policy.Policy, exempt []policy.Exemption) *Error {
	if o.Service != "" && p.Service(o.Service) == nil {
		return &Error{Kind: KindInvalid, Message: fmt.Sprintf("service: there is no service %q; the policy has %s", o.Service, serviceNames(p))}
	}
	o.lasting = o.covering(p.Exempt.Prefixes)
	_, found := o.find(exempt)
	switch {
	case found:
		return nil
	case o.Kind == policy.OrderUnexempt:
		return &Error{Kind: KindNotFound, Message: o.nothingToEnd(exempt)}
	case len(exempt) >= MaxExempt:
		return &Error{Kind: KindFull, Message: fmt.Sprintf("%d exemptions are in force, and no more are possible: end some "+
			"(ebbgate unexempt), or put lasting ones into exempt.prefixes of the policy", len(exempt))}
	}
	return nil
}

// find returns the exemption of the order's prefix and service.
func (o *Order) find(exempt []policy.Exemption) (policy.Exemption, bool) {
	for _, e := range exempt {
		if e.Prefix == o.Prefix && e.Service == o.Service {
			return e, true
		}
	}
	return policy.Exemption{}, false
}

// Done tells the asker that the order is carried out: the kernel knows. Before are the operator's
// exemptions in force when it was taken, after those in force now. Only the first of all calls of
// Done and Refuse counts.
func (o *Order) Done(before, after []policy.Exemption, c Calendar) {
	was, replaced := o.find(before)
	done := Exempted{Exempt: ExemptOf(&was, c), Still: o.still(after)}
	if o.Kind == policy.OrderExempt {
		is, inForce := o.find(after)
		if !inForce {
			o.Refuse(&Error{Kind: KindInternal, Message: "the order was carried out, but the exemption is not in force"})
			return
		}
		done = Exempted{Exempt: ExemptOf(&is, c), Replaced: replaced, Still: []string{}}
	}
	o.end(outcome{done: done})
}

// Refuse tells the asker why the order is not carried out, or not known to be.
func (o *Order) Refuse(e *Error) { o.end(outcome{refusal: e}) }

func (o *Order) end(x outcome) {
	select {
	case o.answer <- x:
	default:
	}
}

// Wait waits for the answer until ctx ends. An order that was not taken until then is withdrawn.
func (o *Order) Wait(ctx context.Context) (Exempted, *Error) {
	select {
	case x := <-o.answer:
		return x.done, x.refusal
	case <-ctx.Done():
	}
	if o.state.CompareAndSwap(orderWaits, orderWithdrawn) {
		return Exempted{}, &Error{Kind: KindTimeout, Message: "the daemon's loop is stuck or too busy: nothing was changed; " +
			"look at ebbgate status, and try again"}
	}
	return Exempted{}, &Error{Kind: KindTimeout, Message: "the daemon's loop has taken the order but has not said that it is in force; " +
		"ebbgate status shows whether it is"}
}

func serviceNames(p *policy.Policy) string {
	const most = 20
	text := ""
	for i, s := range p.Services {
		switch {
		case i == most:
			return text + " and more"
		case i > 0:
			text += ", "
		}
		text += fmt.Sprintf("%q", s.Name)
	}
	return text
}
