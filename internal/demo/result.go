package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ebbgate/internal/lab"
)

// Result is what the play measured. Durations count from the onset of the flood unless said
// otherwise.
type Result struct {
	Bare   lab.Span // requests while the flood went on and nothing answered it
	During lab.Span // requests after recovery while it went on against ebbgate

	FirstRule   time.Duration // until our table was in the kernel
	Interrupted bool          // at least one request failed
	ServedAgain time.Duration // until the first request after which none failed for a second
	Lost        int           // requests that failed until then

	Attempts uint64 // connections the attackers tried to open
	Refused  uint64 // of these, refused at once
	Cut      uint64 // connections of theirs that were closed
	Most     int    // connections one attacking source held at the end of the flood

	Clean time.Duration // from the end of the flood until the table was gone
	Peace bool          // the table was gone when the play ended

	onset, floodEnd, cleanAt time.Time
}

// measure fills in what can be said only at the end.
func (p *play) measure(ctx context.Context) error {
	r := &p.result
	spans := p.table.Presences()
	if len(spans) == 0 {
		return errors.New("no rule was seen in the kernel; the daemon's log:\n" + p.daemon.log.String())
	}
	r.FirstRule = spans[0].Seen.Sub(r.onset)
	recovered := r.onset
	if _, r.Interrupted = p.clients.FirstFailure(r.onset); r.Interrupted {
		at, ok := p.servedAgain()
		if !ok {
			return errors.New("the clients were not served again; the daemon's log:\n" + p.daemon.log.String())
		}
		recovered = at
		r.ServedAgain = at.Sub(r.onset)
	}
	r.Lost = p.clients.Span(r.onset, recovered).Failed
	r.During = p.clients.Span(recovered, r.floodEnd)
	if !r.cleanAt.IsZero() {
		r.Clean = r.cleanAt.Sub(r.floodEnd)
	}
	r.Peace = !p.table.Present()
	return ctx.Err()
}

// Print writes the closing summary, in lines of at most 100 columns.
func (r *Result) Print(w io.Writer) error {
	again := "never interrupted"
	if r.Interrupted {
		again = fmt.Sprintf("%.2f s after onset; %d requests failed before", r.ServedAgain.Seconds(), r.Lost)
	}
	clean := "not within the play"
	if r.Peace {
		clean = fmt.Sprintf("%.1f s after the flood ended (quiet time 8 s): no table, nothing limited", r.Clean.Seconds())
	}
	_, err := fmt.Fprintf(w, `
without ebbgate            %s
first rule in the kernel   %.2f s after onset
clients served again       %s
with ebbgate               %s
the attackers              %d tries, %d refused, %d cut, at most %d left to a source
machine clean              %s
`, spanText(r.Bare), r.FirstRule.Seconds(), again, spanText(r.During), r.Attempts, r.Refused, r.Cut, r.Most, clean)
	return err
}

func spanText(s lab.Span) string {
	done := s.Succeeded + s.Failed
	if done == 0 || s.Succeeded == 0 {
		return fmt.Sprintf("none of %d requests served", done)
	}
	return fmt.Sprintf("%d of %d requests served (%.1f %%), half in %v, 95 %% in %v",
		s.Succeeded, done, 100*float64(s.Succeeded)/float64(done), s.P50.Round(100*time.Microsecond), s.P95.Round(100*time.Microsecond))
}
