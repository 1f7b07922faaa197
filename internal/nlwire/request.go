package nlwire

import "golang.org/x/sys/unix"

// Request is one message to the kernel and what its answer looks like.
type Request struct {
	Type uint16 // of the message
	// Dump asks for all there is (NLM_F_DUMP). Without it the kernel is asked to acknowledge
	// (NLM_F_ACK), so that an answer of any number of messages, or of none, has an end.
	Dump bool
	Body []byte // what follows the header; not kept
	// Answer is the type of the messages that carry an answer; 0 where none is due but the
	// kernel's word on whether it was done.
	Answer uint16
	// Stop, if not nil, is asked before each read of up to 32 KiB; true ends the request with
	// ErrStopped.
	Stop func() bool
}

// appendTo appends the message to b.
func (r *Request) appendTo(b []byte, seq uint32) []byte {
	flags := uint16(unix.NLM_F_REQUEST | unix.NLM_F_ACK)
	if r.Dump {
		flags = unix.NLM_F_REQUEST | unix.NLM_F_DUMP
	}
	b = AppendHeader(b, r.Type, flags, seq, len(r.Body))
	return append(b, r.Body...)
}
