package enforcer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nftwire"
)

// Refusal is a transaction that the kernel did not carry out: nothing of it holds.
type Refusal struct {
	Op    string     // the operation at fault, in words; empty: the transaction as a whole
	Errno unix.Errno // 0: the kernel's answer was lost, and it may hold after all
	Hint  string     // what to do, or what is done; empty where nobody can tell

	err error // as the socket had it; nil: the errno says it all
}

// Error says what was refused, why, and what to do.
func (r *Refusal) Error() string {
	text := "change table inet " + TableName + ": "
	if r.Op != "" {
		text += r.Op + ": "
	}
	text += r.cause().Error()
	if r.Hint != "" {
		text += ": " + r.Hint
	}
	return text
}

// Unwrap returns the cause, which wraps the errno.
func (r *Refusal) Unwrap() error { return r.cause() }

func (r *Refusal) cause() error {
	if r.err == nil {
		return r.Errno
	}
	return r.err
}

// Transient reports whether the same change may well be taken a moment later, once the table has been
// listed and compared anew.
func (r *Refusal) Transient() bool {
	switch r.Errno {
	case 0, unix.ERESTART, unix.EINTR, unix.EAGAIN, unix.EBUSY, unix.ENOBUFS:
		return true
	}
	return false
}

// Transient reports whether an error of Apply is a Refusal that is.
func Transient(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Transient()
}

// refused explains an error of the socket.
func refused(op string, err error) error {
	r := &Refusal{Op: op, err: err}
	if !errors.As(err, &r.Errno) && !errors.Is(err, nftwire.ErrNoVerdict) {
		return fmt.Errorf("change table inet %s: %w", TableName, err)
	}
	r.Hint = hint(r.Errno)
	return r
}

// hint says what an errno of nf_tables (net/netfilter/nf_tables_api.c, nfnetlink.c) means here.
func hint(errno unix.Errno) string {
	switch errno {
	case 0, unix.ENOBUFS:
		return "the kernel is short of memory for netlink; the table is read and compared anew"
	case unix.ERESTART, unix.EINTR, unix.EAGAIN:
		return "others changed rules at the same moment; the table is read and compared anew"
	case unix.EBUSY:
		return "something of it is still in use; the table is read and compared anew"
	case unix.ENFILE:
		return "a set is full; raise observe.max_sources or limits.max_blocks, or answer wider prefixes (connections.per_prefix)"
	case unix.EEXIST:
		return "it is there already, not by us; the table is read and compared anew"
	case unix.ENOENT:
		return "somebody removed a part of the table; it is read and mended"
	case unix.EPERM:
		return "the daemon needs CAP_NET_ADMIN in this network namespace, and the table must be nobody else's"
	case unix.ENOMEM:
		return "the kernel has no memory for it; lower observe.max_sources or limits.max_blocks, or free memory"
	case unix.EMSGSIZE:
		return "it is longer than this socket may send; raise net.core.wmem_max, or lower limits.max_blocks"
	}
	return ""
}

// failed forgets what the table holds after a refused transaction, and lists it, so that the next
// Diff is made from what is there. What was listed once and refused again is replaced as a whole: the
// list did not tell what is wrong with it.
func (t *Table) failed(err error) error {
	listed := t.relisted
	t.relisted = false
	t.have = Have{Known: false, Present: t.have.Present}
	found, lookErr := t.find()
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	t.have.Present = found != nil
	if found == nil || listed {
		return err
	}
	if r, listErr := t.readBack(); listErr == nil {
		t.have.Known, t.have.Ruleset, t.relisted = true, r, true
	}
	return err
}
