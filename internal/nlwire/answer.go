package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// answer decodes what the kernel sends in reply to one request. It touches no socket: bytes in,
// calls of each out.
type answer struct {
	seq  uint32
	kind uint16 // type of the messages that carry a body for each

	done bool  // the kernel has said its last word
	err  error // the errno of that word
	flaw error // first reason why what was seen is not all
}

// blame keeps the first flaw.
func (a *answer) blame(flaw error) {
	if a.flaw == nil {
		a.flaw = flaw
	}
}

// feed decodes one datagram. Messages of other requests, left over from a dump that was given
// up, are skipped. It stops at the last word and at bytes that are no message.
func (a *answer) feed(b []byte, each func(body []byte) bool) {
	m := Messages{Rest: b}
	for m.Next() {
		if m.Seq != a.seq {
			continue
		}
		a.message(&m, each)
		if a.done {
			return
		}
	}
	if !m.Whole() {
		a.blame(ErrMalformed)
	}
}

// message takes one whole message of our request.
func (a *answer) message(m *Messages, each func(body []byte) bool) {
	if m.Flags&unix.NLM_F_DUMP_INTR != 0 {
		a.blame(ErrInterrupted)
	}
	switch {
	case m.Kind == unix.NLMSG_NOOP:
	case m.Kind == unix.NLMSG_OVERRUN:
		a.blame(ErrOverrun)
	case m.Kind == unix.NLMSG_ERROR:
		a.finish(m.Body, true)
	case m.Kind == unix.NLMSG_DONE:
		a.finish(m.Body, false)
	case m.Kind != a.kind || each != nil && !each(m.Body):
		a.blame(ErrMalformed)
	}
}

// finish reads the errno, a negative number, that NLMSG_ERROR must carry and NLMSG_DONE may.
func (a *answer) finish(body []byte, must bool) {
	a.done = true
	if len(body) < 4 {
		if must {
			a.blame(ErrMalformed)
		}
		return
	}
	if code := int32(binary.NativeEndian.Uint32(body)); code < 0 {
		a.err = unix.Errno(-int64(code))
	} else if code > 0 {
		a.blame(ErrMalformed)
	}
}

// result is what the caller of a finished request is told: refusal before flaw.
func (a *answer) result() error {
	if a.err != nil {
		return a.err
	}
	return a.flaw
}
