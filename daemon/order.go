package daemon

import (
	"fmt"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// order is an order of the operator's that is carried out in this turn.
type order struct {
	asked   *control.Order
	input   func(policy.Instant) policy.Order // what is asked of the decision, given then; nil: nothing
	outcome func() (any, *control.Error)      // what came of it, when the turn is over
}

// take makes an order part of the next turn. One that cannot be carried out is refused at once; one
// that was withdrawn, because nobody took it in time, is dropped.
func (d *Daemon) take(o *control.Order) {
	if !o.Take() {
		return
	}
	switch task := o.Task.(type) {
	case control.Command:
		d.carryOut(o, task)
	case control.Reloading:
		d.loadFor(o, task.For)
	case control.Confirming:
		d.confirm(o)
	default:
		o.Refuse(&control.Error{Kind: control.KindInternal, Message: fmt.Sprintf("the daemon's loop does not know what %T is: nothing was changed", task)})
	}
}

// carryOut makes a command part of the next observation, if it can be. Where the kernel does not take
// what follows from it the command stands, and is enforced as soon as the kernel does.
func (d *Daemon) carryOut(o *control.Order, c control.Command) {
	if refusal := c.Check(d.Policy, &d.decision); refusal != nil {
		o.Refuse(refusal)
		return
	}
	before := d.decision
	d.order = &order{asked: o, input: c.Input, outcome: func() (any, *control.Error) {
		if refusal := d.unenforced("the order is noted"); refusal != nil {
			return nil, refusal
		}
		return c.Outcome(d.Policy, &before, &d.decision, d.calendar())
	}}
}

// loadFor reads the policy again for somebody who waits for what comes of it. Of the kernel a bad policy
// asks nothing.
func (d *Daemon) loadFor(o *control.Order, trial time.Duration) {
	d.load(answered, trial)
	d.order = &order{asked: o, outcome: func() (any, *control.Error) {
		r := d.shownReload()
		if refusal := d.unenforced("the policy is loaded again"); r.InForce && refusal != nil {
			return nil, refusal
		}
		return r, nil
	}}
}

// unenforced says that the kernel does not take what should hold; nil: it does.
func (d *Daemon) unenforced(done string) *control.Error {
	err := d.table.refused
	if err == nil {
		return nil
	}
	return &control.Error{Kind: control.KindInternal, Message: fmt.Sprintf(
		"%s, but the kernel refuses to change its rules: %v; it is tried again, and ebbgate status shows whether that goes on", done, err)}
}

// orders returns what was asked of the decision since the last turn.
func (d *Daemon) orders() []policy.Order {
	list := d.asks
	d.asks = nil
	if d.order != nil && d.order.input != nil {
		list = append(list, d.order.input(d.seen.At))
	}
	return list
}

// acknowledge answers the operator, once the kernel took what follows from his order and it is shown
// to everybody.
func (d *Daemon) acknowledge() {
	if d.order == nil {
		return
	}
	o := d.order
	d.order = nil
	done, refusal := o.outcome()
	if refusal != nil {
		o.asked.Refuse(refusal)
		return
	}
	o.asked.Done(done)
}
