package daemon

import (
	"fmt"

	"ebbgate/control"
	"ebbgate/policy"
)

// order is an order of the operator's that is carried out in this turn.
type order struct {
	asked   *control.Order
	command control.Command // nil: the policy was read again
	before  policy.Decision // the one when it was taken
}

// take makes an order part of the next turn. One that cannot be carried out is refused at once; one
// that was withdrawn, because nobody took it in time, is dropped.
func (d *Daemon) take(o *control.Order) {
	if !o.Take() {
		return
	}
	switch task := o.Task.(type) {
	case control.Command:
		if refusal := task.Check(d.Policy, &d.decision); refusal != nil {
			o.Refuse(refusal)
			return
		}
		d.order = &order{o, task, d.decision}
	case control.Reloading:
		d.load()
		d.order = &order{asked: o}
	}
}

// orders returns what the operator asked of the decision since the last turn.
func (d *Daemon) orders() []policy.Order {
	if d.order == nil || d.order.command == nil {
		return nil
	}
	return []policy.Order{d.order.command.Order(d.seen.At)}
}

// acknowledge answers the operator, once the kernel took what follows from his order and it is shown
// to everybody.
func (d *Daemon) acknowledge() {
	if d.order == nil {
		return
	}
	o := d.order
	d.order = nil
	done, refusal := d.outcome(o)
	if refusal != nil {
		o.asked.Refuse(refusal)
		return
	}
	o.asked.Done(done)
}

// outcome returns what came of an order. If the kernel did not take what follows from it the order
// stands, and the decision is enforced as soon as the kernel takes it.
func (d *Daemon) outcome(o *order) (any, *control.Error) {
	reload := o.command == nil
	if reload && !d.reload.InForce {
		return d.reload, nil // nothing was asked of the kernel
	}
	if err := d.table.refused; err != nil {
		noted := "the order is noted"
		if reload {
			noted = "the policy is loaded again"
		}
		return nil, &control.Error{Kind: control.KindInternal, Message: fmt.Sprintf(
			"%s, but the kernel refuses to change its rules: %v; it is tried again, and ebbgate status shows whether that goes on", noted, err)}
	}
	if reload {
		return d.reload, nil
	}
	return o.command.Outcome(d.Policy, &o.before, &d.decision, d.calendar())
}
