package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// header is sizeof(struct nlmsghdr) of linux/netlink.h.
const header = 16

// answer decodes what the kernel sends in reply to one request. It touches no socket: bytes in,
// calls of each out.
type answer struct {
	seq  uint32
	kind uint16 // type of the messages that carry a body for each
	each func(body []byte) bool

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
func (a *answer) feed(b []byte) {
	for len(b) >= header {
		size := binary.NativeEndian.Uint32(b)
		if size < header || uint64(size) > uint64(len(b)) {
			break
		}
		if binary.NativeEndian.Uint32(b[8:]) == a.seq {
			a.message(b[:size])
			if a.done {
				return
			}
		}
		b = b[min(align4(int(size)), len(b)):]
	}
	if len(b) > 0 {
		a.blame(ErrMalformed)
	}
}

// message takes one whole message of our request.
func (a *answer) message(b []byte) {
	if binary.NativeEndian.Uint16(b[6:])&unix.NLM_F_DUMP_INTR != 0 {
		a.blame(ErrInterrupted)
	}
	body := b[header:]
	switch kind := binary.NativeEndian.Uint16(b[4:]); {
	case kind == unix.NLMSG_NOOP:
	case kind == unix.NLMSG_OVERRUN:
		a.blame(ErrOverrun)
	case kind == unix.NLMSG_ERROR:
		a.finish(body, true)
	case kind == unix.NLMSG_DONE:
		a.finish(body, false)
	case kind != a.kind || a.each != nil && !a.each(body):
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
