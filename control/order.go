package control

import (
	"context"
	"sync/atomic"

	"ebbgate/policy"
)

// Order is something the daemon's loop is asked to do. The server hands it over by Server.Orders and
// keeps the asker waiting. The loop takes it, carries it out within a turn, and answers with Done or
// Refuse once the kernel knows. Neither side ever waits for the other: an order nobody has taken
// when the asker's time is over is withdrawn, and Take says so.
type Order struct {
	Task Task

	state  atomic.Int32
	answer chan outcome // capacity 1: whoever answers first never waits
}

// Task is what an order asks for: a Command, or Reloading.
type Task interface{ task() }

// Command is a task for the decision: the loop makes it part of its next observation.
type Command interface {
	Task
	// Check says why the command cannot be carried out with this policy after this decision; nil: it can.
	Check(*policy.Policy, *policy.Decision) *Error
	// Input returns the command as the decision takes it, given at now.
	Input(now policy.Instant) policy.Order
	// Outcome returns the wire form of what came of it, by the decisions before it and with it. An
	// error says that it is not in force although it was carried out.
	Outcome(p *policy.Policy, before, after *policy.Decision, c Calendar) (any, *Error)
}

// outcome is how an order ended.
type outcome struct {
	done    any // of the wire
	refusal *Error
}

// The states of an order.
const (
	orderWaits int32 = iota
	orderTaken
	orderWithdrawn
)

// NewOrder returns an order that nobody has taken.
func NewOrder(task Task) *Order { return &Order{Task: task, answer: make(chan outcome, 1)} }

// Take makes the order the caller's to carry out. False means that the asker has been told that it
// was withdrawn: it must not be carried out. It is true once.
func (o *Order) Take() bool { return o.state.CompareAndSwap(orderWaits, orderTaken) }

// Done tells the asker, in the wire form of his task, that the order is carried out: the kernel
// knows. Only the first of all calls of Done and Refuse counts.
func (o *Order) Done(done any) { o.end(outcome{done: done}) }

// Refuse tells the asker why the order is not carried out, or not known to be.
func (o *Order) Refuse(e *Error) { o.end(outcome{refusal: e}) }

func (o *Order) end(x outcome) {
	select {
	case o.answer <- x:
	default:
	}
}

// Wait waits for the answer until ctx ends. An order that was not taken until then is withdrawn.
func (o *Order) Wait(ctx context.Context) (any, *Error) {
	select {
	case x := <-o.answer:
		return x.done, x.refusal
	case <-ctx.Done():
	}
	if o.state.CompareAndSwap(orderWaits, orderWithdrawn) {
		return nil, &Error{Kind: KindTimeout, Message: "the daemon's loop is stuck or too busy: nothing was changed; " +
			"look at ebbgate status, and try again"}
	}
	return nil, &Error{Kind: KindTimeout, Message: "the daemon's loop has taken the order but has not said that it is in force; " +
		"ebbgate status shows whether it is"}
}
