package control

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ErrUnreachable is matched by every error that says no daemon answered.
var ErrUnreachable = errors.New("ebbgate cannot be reached")

// UnreachableError says that no daemon answered at a path.
type UnreachableError struct {
	Path  string
	Cause error
}

// Error says what to look at.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("reach ebbgate at %q: %v: is it running? (systemctl status ebbgate)", e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// Is matches ErrUnreachable.
func (e *UnreachableError) Is(target error) bool { return target == ErrUnreachable }

// DeniedError says that the mode of the socket file, or of a directory above it, keeps the caller
// out.
type DeniedError struct {
	Path  string
	Group string // whose members may connect; empty: only root may
}

// Error says which group to join.
func (e *DeniedError) Error() string {
	who := "only root may; try sudo"
	if e.Group != "" {
		who = group{name: e.Group, known: true}.who()
	}
	return fmt.Sprintf("connect to ebbgate at %q: not permitted: %s", e.Path, who)
}

// Is matches ErrForbidden.
func (e *DeniedError) Is(target error) bool { return target == ErrForbidden }

// deniedAt finds the group that could connect from the mode of the socket file and whom it was granted to.
func deniedAt(path string) *DeniedError {
	e := &DeniedError{Path: path}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o060 != 0o060 {
		return e
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return e
	}
	id, shared := granted(path)
	if !shared {
		id = st.Gid
	}
	if id == 0 {
		return e
	}
	gid := strconv.FormatUint(uint64(id), 10)
	e.Group = gid
	if g, err := user.LookupGroupId(gid); err == nil {
		e.Group = g.Name
	}
	return e
}

// cause strips the request from an error of net/http, whose made-up address says nothing, and the
// path from an error of the dial.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		err = op.Err
	}
	return err
}
