package systemd

import (
	"errors"
	"slices"
	"time"
)

const (
	// notifyPatience bounds what one call waits for the service manager. One that works takes a message at
	// once; one that hangs, or that others keep busy, fills its socket's queue, and then a send would wait
	// for ever.
	notifyPatience = 250 * time.Millisecond
	// mostOwed bounds the messages that wait. There are four kinds, and two for each name of a descriptor.
	mostOwed = 16
)

// ErrStuck says that the service manager does not read its notification socket. Protection goes
// on. What it has not taken is sent in order as soon as it reads again.
var ErrStuck = errors.New("the service manager does not read its notification socket")

// message is one notification.
type message struct {
	kind    string       // an older one of the same kind that still waits is not sent any more
	deliver func() error // may take as long as it likes
	once    bool         // an error of deliver is the end of it, else it is tried again
	release func()       // called when it is over, delivered or not; may be nil
}

func (m *message) end() {
	if m.release != nil {
		m.release()
	}
}

// mailbox delivers one message at a time and in order, and no call waits longer than notifyPatience. What
// could not be delivered is owed, and each call tries it again. There is never more than one goroutine.
type mailbox struct {
	owed  []message  // not begun, oldest first
	begun *message   // the delivery that has outlasted a call's patience; nil: none
	done  chan error // of begun
}

// send delivers what is owed and then msg. Until both are delivered, this and every later call is an error.
func (m *mailbox) send(msg message) error {
	m.owed = slices.DeleteFunc(m.owed, func(old message) bool {
		if old.kind != msg.kind {
			return false
		}
		old.end()
		return true
	})
	if len(m.owed) == mostOwed {
		msg.end()
		return ErrStuck
	}
	m.owed = append(m.owed, msg)
	return m.flush()
}

// flush delivers what is owed. It returns an error while anything is.
func (m *mailbox) flush() error {
	if m.begun == nil && len(m.owed) == 0 {
		return nil
	}
	patience := time.NewTimer(notifyPatience)
	defer patience.Stop()
	return m.flushBefore(patience.C)
}

// ping delivers what is owed and then msg, unless a delivery is stuck. msg is never owed: it says how things
// are now. An error of what is owed does not keep it from being tried.
func (m *mailbox) ping(msg message) error {
	patience := time.NewTimer(notifyPatience)
	defer patience.Stop()
	err := m.flushBefore(patience.C)
	if m.begun != nil {
		return err
	}
	msg.once = true
	return errors.Join(err, m.try(msg, patience.C))
}

func (m *mailbox) flushBefore(end <-chan time.Time) error {
	if m.begun != nil {
		select {
		case err := <-m.done:
			if err = m.ended(err); err != nil {
				return err
			}
		default: // one call has waited for it already
			return ErrStuck
		}
	}
	for len(m.owed) > 0 {
		next := m.owed[0]
		m.owed = slices.Delete(m.owed, 0, 1)
		if err := m.try(next, end); err != nil {
			return err
		}
	}
	return nil
}

// try begins a delivery and waits for it until end. After ErrStuck it goes on.
func (m *mailbox) try(msg message, end <-chan time.Time) error {
	done := make(chan error, 1) // capacity 1: the goroutine ends even when nobody waits any more
	go func() { done <- msg.deliver() }()
	m.begun, m.done = &msg, done
	select {
	case err := <-done:
		return m.ended(err)
	case <-end:
		return ErrStuck
	}
}

// ended takes note of the end of a delivery. One that failed is owed again, before all others, unless there
// is a newer one of its kind.
func (m *mailbox) ended(err error) error {
	msg := *m.begun
	m.begun, m.done = nil, nil
	newer := func(other message) bool { return other.kind == msg.kind }
	if err == nil || msg.once || slices.ContainsFunc(m.owed, newer) {
		msg.end()
		return err
	}
	m.owed = slices.Insert(m.owed, 0, msg)
	return err
}
