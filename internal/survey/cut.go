package survey

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
)

// ErrNoDestroy says that this kernel cannot cut connections at all.
var ErrNoDestroy = inetdiag.ErrNoDestroy

// Outcome says what became of the connections of a plan.
type Outcome struct {
	Cut     int
	Gone    int // closed by themselves in the meantime
	Refused int // the kernel would not; they live on
}

// Cut closes the connections of a plan. Their processes get ECONNABORTED, their peers a reset. It
// needs CAP_NET_ADMIN and a kernel with SOCK_DESTROY; without either it stops at once, with an
// error that matches unix.EPERM or ErrNoDestroy. What the kernel refuses one by one is
// counted, and the error is the first reason. A canceled context ends it between two connections.
func (s *Survey) Cut(ctx context.Context, p *Plan) (Outcome, error) {
	var out Outcome
	var first error
	for i := range p.candidates {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("cut connections: %w", err)
		}
		c := &p.candidates[i]
		err := s.conn.Destroy(c.family, c.id)
		switch {
		case err == nil:
			out.Cut++
		case errors.Is(err, inetdiag.ErrGone):
			out.Gone++
		case errors.Is(err, unix.EPERM), errors.Is(err, ErrNoDestroy):
			return out, fmt.Errorf("cut connections: %w", err)
		default:
			out.Refused++
			if first == nil {
				first = fmt.Errorf("cut connections: %w", err)
			}
		}
	}
	return out, first
}
