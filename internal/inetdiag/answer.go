package inetdiag

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// answer decodes what the kernel sends in reply to one request. It touches no socket: bytes in,
// calls of each out.
type answer struct {
	seq  uint32
	kind uint16 // type of the messages that carry a socket
	info bool
	sock *Socket
	each func(*Socket)

	done bool  // the kernel has said its last word
	err  error // the errno of that word
	flaw error // first reason why the sockets seen are not all
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
	for len(b) >= nlmsgHdrLen {
		size := binary.NativeEndian.Uint32(b)
		if size < nlmsgHdrLen || uint64(size) > uint64(len(b)) {
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
	body := b[nlmsgHdrLen:]
	switch binary.NativeEndian.Uint16(b[4:]) {
	case a.kind:
		if !a.sock.decode(body, a.info) {
			a.blame(ErrMalformed)
		} else if a.each != nil {
			a.each(a.sock)
		}
	case unix.NLMSG_NOOP:
	case unix.NLMSG_OVERRUN:
		a.blame(ErrOverrun)
	case unix.NLMSG_ERROR:
		a.finish(body, true)
	case unix.NLMSG_DONE:
		a.finish(body, false)
	default:
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
