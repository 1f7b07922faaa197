package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// Cut closes the connections of a plan, in batches. Their processes get ECONNABORTED, their peers a
// reset. It needs CAP_NET_ADMIN and a kernel with SOCK_DESTROY; without either it stops at once, with an
// error that matches unix.EPERM or ErrNoDestroy. What the kernel refuses one by one is
// counted, and the error is the first reason. A canceled context ends it between two batches.
func (s *Survey) Cut(ctx context.Context, p *Plan) (Outcome, error) {
	var out Outcome
	var first error
	batch := make([]inetdiag.Named, 0, inetdiag.MaxBatch)
	for some := range slices.Chunk(p.candidates, inetdiag.MaxBatch) {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("cut connections: %w", err)
		}
		batch = batch[:0]
		for i := range some {
			batch = append(batch, inetdiag.Named{Family: some[i].family, ID: some[i].id})
		}
		goOn, err := s.cut(batch, &out)
		if !goOn {
			return out, fmt.Errorf("cut connections: %w", err)
		}
		if first == nil && err != nil {
			first = fmt.Errorf("cut connections: %w", err)
		}
	}
	return out, first
}

// cut closes one batch and adds its outcome. The error is the first of those that matter; goOn reports
// whether others may fare better.
func (s *Survey) cut(batch []inetdiag.Named, out *Outcome) (goOn bool, first error) {
	goOn = true
	before := *out
	err := s.conn.DestroyAll(batch, func(_ int, err error) {
		switch {
		case errors.Is(err, inetdiag.ErrGone):
			out.Gone++
			return
		case errors.Is(err, unix.EPERM), errors.Is(err, ErrNoDestroy):
			goOn = false
		}
		out.Refused++
		if first == nil {
			first = err
		}
	})
	if err != nil {
		return false, err
	}
	out.Cut += len(batch) - (out.Gone - before.Gone) - (out.Refused - before.Refused)
	if !goOn {
		out.Refused = before.Refused // none was tried in earnest
	}
	return goOn, first
}
