package systemd

import (
	"errors"
	"fmt"
	"time"
)

// notifyPatience bounds the wait for one notification. A service manager that works takes it at
// once; one that hangs fills its socket's queue, and then a send would wait for ever.
const notifyPatience = 250 * time.Millisecond

// ErrStuck says that the service manager does not read its notification socket. Protection goes
// on; nothing is sent until it has taken the message that waits.
var ErrStuck = errors.New("the service manager does not read its notification socket")

// errNotPosted is ErrStuck where a delivery was not even begun.
var errNotPosted = fmt.Errorf("%w", ErrStuck)

// mailbox delivers one message at a time without ever waiting longer than notifyPatience. While
// one is stuck the next are refused, so there is never more than one goroutine.
type mailbox struct {
	deliver func(string) error
	stuck   chan error // of the delivery that waits; nil: none
}

func (m *mailbox) send(state string) error {
	return m.post(func() error { return m.deliver(state) })
}

// post carries out one delivery. After errNotPosted it was not begun; after ErrStuck it goes on.
func (m *mailbox) post(deliver func() error) error {
	if m.stuck != nil {
		select {
		case <-m.stuck: // it got through, or not, but it was given up long ago
			m.stuck = nil
		default:
			return errNotPosted
		}
	}
	done := make(chan error, 1) // capacity 1: the goroutine ends even when nobody waits any more
	go func() { done <- deliver() }()
	patience := time.NewTimer(notifyPatience)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		m.stuck = done
		return ErrStuck
	}
}
