package nftwire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// ErrNoVerdict says that the kernel's answer to a transaction was lost: it may hold or not.
var ErrNoVerdict = errors.New("the kernel's answer to the transaction was lost, for want of memory")

// Refusal is the kernel's reason for carrying out nothing of a transaction.
type Refusal struct {
	// Message is the index of the first message at fault, or -1 where it is the batch as a whole.
	Message int
	Errno   unix.Errno
	Text    string // what the kernel says beyond the number, or ""
	Offset  uint32 // of the attribute at fault within the message, or 0
}

// Error names the reason, but not the message: what that was about only the caller can say.
func (r *Refusal) Error() string {
	if r.Text == "" {
		return r.Errno.Error()
	}
	return fmt.Sprintf("%v (%s)", r.Errno, r.Text)
}

// Unwrap returns the errno.
func (r *Refusal) Unwrap() error { return r.Errno }

// verdict decodes the answers to one batch. It touches no socket: bytes in, result out.
type verdict struct {
	first uint32 // number of the batch's beginning
	last  uint32 // number of its last message, the only one that is acknowledged

	held    bool // the last message was acknowledged
	refused *Refusal
}

// feed takes one datagram, which the receive buffer may have cut off.
func (v *verdict) feed(b []byte, cut bool) {
	m := nlwire.Messages{Rest: b}
	for m.Next() {
		v.message(&m)
	}
	if cut && m.Cut() {
		// The errno is still there, and what it is about; the explanation may not be.
		m.Flags = 0
		v.message(&m)
	}
}

// message takes one error or acknowledgement (struct nlmsgerr of linux/netlink.h). Those of other
// batches do not count.
func (v *verdict) message(m *nlwire.Messages) {
	if m.Kind != unix.NLMSG_ERROR || len(m.Body) < 4 || m.Seq-v.first > v.last-v.first {
		return
	}
	code := int32(binary.NativeEndian.Uint32(m.Body))
	if code >= 0 { // a positive one is no errno, and no verdict
		v.held = v.held || code == 0 && m.Seq == v.last
		return
	}
	r := &Refusal{Message: int(m.Seq-v.first) - 1, Errno: unix.Errno(-int64(code))}
	if v.refused != nil && v.refused.Message <= r.Message {
		return
	}
	v.refused = r
	if m.Flags&unix.NLM_F_ACK_TLVS != 0 {
		r.explain(m.Body[4:], m.Flags&unix.NLM_F_CAPPED != 0)
	}
}

// explain reads the attributes of the extended acknowledgement, which follow the header of the
// message at fault, and its body unless that was left out.
func (r *Refusal) explain(b []byte, capped bool) {
	size := unix.NLMSG_HDRLEN
	if len(b) >= unix.NLMSG_HDRLEN && !capped {
		size = nlwire.Align(int(binary.NativeEndian.Uint32(b)))
	}
	if size < unix.NLMSG_HDRLEN || len(b) < size {
		return
	}
	for a := (nlwire.Attrs{Rest: b[size:]}); a.Next(); {
		switch {
		case a.Kind == unix.NLMSGERR_ATTR_MSG:
			r.Text = printable(a.Value)
		case a.Kind == unix.NLMSGERR_ATTR_OFFS && len(a.Value) == 4:
			r.Offset = binary.NativeEndian.Uint32(a.Value)
		}
	}
}

// printable returns a string of the kernel's without its terminating zero.
func printable(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(b)
}

// result is the outcome, once nothing is left to be read.
func (v *verdict) result() error {
	switch {
	case v.refused != nil:
		return v.refused
	case v.held:
		return nil
	}
	return ErrNoVerdict
}
