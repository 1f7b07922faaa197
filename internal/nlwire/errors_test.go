package nlwire

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIncomplete(t *testing.T) {
	for _, flaw := range []error{ErrInterrupted, ErrOverrun, ErrTruncated, ErrMalformed, ErrTimeout, ErrStopped} {
		if !Incomplete(fmt.Errorf("dump: %w", flaw)) {
			t.Errorf("%v is not", flaw)
		}
	}
	for _, whole := range []error{nil, unix.EPERM, errBusy} {
		if Incomplete(whole) {
			t.Errorf("%v is", whole)
		}
	}
}
