package lab

import "context"

// task is a component's loop. It ends with the context it was started with, with Stop, or with the
// namespace.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
}

// startTask runs loop on a goroutine. Whatever loop holds it must have released when it returns.
func (n *Namespace) startTask(ctx context.Context, loop func(context.Context) error) (*task, error) {
	if err := n.enter(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(n.ctx, cancel)
	t := &task{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer n.users.Done()
		defer close(t.done)
		defer cancel()
		defer unhook()
		t.err = loop(ctx)
	}()
	return t, nil
}

// stop ends the loop, waits for it and returns its error. Further calls return the same.
func (t *task) stop() error {
	t.cancel()
	<-t.done
	return t.err
}
