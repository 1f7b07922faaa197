package demo

import (
	"fmt"
	"strings"
	"time"
)

// Outage is a time in which requests of legitimate clients failed. Times count from the onset.
type Outage struct {
	From   time.Duration // the first request that failed was started
	To     time.Duration // clients were served again; 0: not within the play
	Failed int           // requests, of those started meanwhile
}

// mostOutages bounds how many outages the summary lists. It counts those it leaves out.
const mostOutages = 3

// servedFrom returns when the clients were served again, by the end of the first request at or after
// the given time that succeeded and was followed, for a while, by successes only. A request may have
// been started long before it could succeed.
func (p *play) servedFrom(after time.Time) (time.Time, bool) {
	return p.clients.ServedFrom(after, settle)
}

// servedAgain returns when the outage was over. What is not cured cannot end before the attack does.
func (p *play) servedAgain() (time.Time, bool) {
	if !p.kind.cured {
		if p.result.floodEnd.IsZero() {
			return time.Time{}, false
		}
		return p.servedFrom(p.result.floodEnd)
	}
	failed, ok := p.clients.FirstFailure(p.result.onset)
	if !ok {
		return time.Time{}, false
	}
	return p.servedFrom(failed)
}

// outages returns those that began from a time on while the attack went on.
func (p *play) outages(from time.Time) []Outage {
	var list []Outage
	for {
		failed, ok := p.clients.FirstFailure(from)
		if !ok || !failed.Before(p.result.floodEnd) {
			return list
		}
		o := Outage{From: failed.Sub(p.result.onset)}
		served, again := p.servedFrom(failed)
		if again {
			o.To, from = served.Sub(p.result.onset), served
		} else {
			from = p.result.floodEnd
		}
		until := from
		if until.After(p.result.floodEnd) {
			until = p.result.floodEnd // as the summary counts requests until then
		}
		o.Failed = p.clients.Span(failed, until).Failed
		list = append(list, o)
	}
}

// outagesText says when the clients were interrupted again.
func (r *Result) outagesText() string {
	failed := 0
	var when []string
	for i, o := range r.Outages {
		failed += o.Failed
		switch {
		case i >= mostOutages:
		case o.To == 0:
			when = append(when, fmt.Sprintf("from %.1f on", o.From.Seconds()))
		default:
			when = append(when, fmt.Sprintf("%.1f to %.1f", o.From.Seconds(), o.To.Seconds()))
		}
	}
	if more := len(r.Outages) - mostOutages; more > 0 {
		when = append(when, fmt.Sprintf("and %d times more", more))
	}
	return fmt.Sprintf("%d requests failed, in seconds after onset: %s", failed, strings.Join(when, ", "))
}
