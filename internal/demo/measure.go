package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ebbgate/internal/lab"
)

// count sums up what the attackers tried and got, and what of it the kernel and the server noticed.
// It is called while they still hold what they got.
func (p *play) count() error {
	t, r := p.tally(), &p.result
	r.Attempts, r.Refused, r.Completed, r.Cut, r.SYNs = t.attempts, t.refused, t.completed, t.cut, t.syns
	r.Most, r.HeldAtEnd = p.mostHeld(), p.server.Counts().Held
	cookies, err := p.cookiesSent()
	r.CookiesSent = cookies - p.cookies
	return err
}

// tally sums up the floods that are under way.
func (p *play) tally() tally {
	var sum tally
	for _, f := range p.floods {
		sum = sum.plus(f.tally())
	}
	return sum
}

func (p *play) cookiesSent() (uint64, error) { return p.lab.Victim.Counter("TcpExt", "SyncookiesSent") }

// mostHeld returns the most connections one attacking source holds at the server; all addresses of
// an IPv6 /64 are one source.
func (p *play) mostHeld() int {
	held := make(map[netip.Prefix]int)
	for addr, n := range p.server.HeldBy() {
		bits := 32
		if addr.Is6() {
			bits = 64
		}
		if source, err := addr.Prefix(bits); err == nil {
			held[source] += n
		}
	}
	most := 0
	for _, n := range held {
		most = max(most, n)
	}
	return most
}

// firstRule returns when our table was first seen since the onset. One that was there already was
// there at once.
func (p *play) firstRule() (time.Time, bool) {
	for _, span := range p.table.Presences() {
		switch {
		case !span.Gone.IsZero() && span.Gone.Before(p.result.onset):
		case span.Seen.Before(p.result.onset):
			return p.result.onset, true
		default:
			return span.Seen, true
		}
	}
	return time.Time{}, false
}

// measure fills in what can be said only at the end.
func (p *play) measure(ctx context.Context) error {
	r := &p.result
	if at, ok := p.firstRule(); ok {
		r.Ruled, r.FirstRule = true, at.Sub(r.onset)
	}
	var missing error
	recovered := r.onset
	switch at, again := p.servedAgain(); {
	case p.kind.ruled && !r.Ruled:
		missing = errors.New("no rule was seen in the kernel")
	case r.Recognised == 0:
		missing = fmt.Errorf("it was not recognised as %s, but as [%s]", p.kind.name, strings.Join(r.Others, " "))
	default:
		if _, r.Interrupted = p.clients.FirstFailure(r.onset); !r.Interrupted {
			break
		}
		if !again {
			missing = errors.New("the clients were not served again")
			break
		}
		r.ServedAgain = at.Sub(r.onset)
		if p.kind.cured {
			recovered = at
		}
	}
	if missing != nil {
		return fmt.Errorf("%w; the daemon's log:\n%s", missing, p.daemon.log.String())
	}
	r.Lost = p.clients.Span(r.onset, r.onset.Add(r.ServedAgain)).Failed
	r.During = p.clients.Span(recovered, r.floodEnd)
	if p.kind.cured {
		r.Outages = p.outages(recovered)
	}
	p.measureEnds()
	return ctx.Err()
}

// spanText says how requests fared.
func spanText(s lab.Span) string {
	done := s.Succeeded + s.Failed
	if done == 0 || s.Succeeded == 0 {
		return fmt.Sprintf("none of %d requests served", done)
	}
	return fmt.Sprintf("%d of %d requests served (%.1f %%), half in %v, 95 %% in %v",
		s.Succeeded, done, 100*float64(s.Succeeded)/float64(done), s.P50.Round(100*time.Microsecond), s.P95.Round(100*time.Microsecond))
}
