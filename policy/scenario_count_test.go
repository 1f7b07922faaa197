package policy

import (
	"errors"
	"net/netip"
	"strings"
	"time"
)

var errNoService = errors.New("no service named yet")

// count reads a word of a census, of a count of what ended, or of what we closed.
func (r *observing) count(w, key, value string) error {
	for i := range r.policy.Services {
		if r.policy.Services[i].Name == w {
			r.service = i
			return nil
		}
	}
	if r.section == "ends" && r.service < 0 {
		return r.span(w, key, value)
	}
	if r.service < 0 {
		return errNoService
	}
	value, single, narrowed := strings.Cut(strings.TrimSuffix(value, ")"), "(")
	switch {
	case strings.HasPrefix(w, "+"):
		r.rest(int(number(w[1:])))
		return nil
	case key == "closewait":
		r.o.Census.Services[r.service].Unread = int(number(value))
		return nil
	case key == "halfopen":
		r.o.Census.Services[r.service].HalfOpen = int(number(value))
		return nil
	}
	sources, err := crowd(r.policy, key)
	if err != nil {
		return err
	}
	for _, source := range sources {
		c := SourceCensus{Source: source, Held: int(number(value))}
		if narrowed {
			addr, held, _ := strings.Cut(single, "=")
			if c.Single, err = netip.ParseAddr(addr); err != nil {
				return err
			}
			c.SingleHeld = int(number(held))
		}
		r.add(c)
	}
	return nil
}

// add counts a source in the list of the section.
func (r *observing) add(c SourceCensus) {
	switch r.section {
	case "census":
		svc := &r.o.Census.Services[r.service]
		svc.Sources, svc.Held = append(svc.Sources, c), svc.Held+c.Held
	case "ends":
		svc := &r.o.Endings.Services[r.service]
		svc.Sources, svc.Ended = append(svc.Sources, SourceEndings{Source: c.Source, Ended: c.Held}), svc.Ended+c.Held
	case "closed":
		r.o.Closed = append(r.o.Closed, Cut{Service: r.policy.Services[r.service].Name, Source: c.Source, Count: c.Held})
	}
}

// rest counts what sources hold that could not be kept.
func (r *observing) rest(n int) {
	if r.section == "census" {
		svc := &r.o.Census.Services[r.service]
		svc.Rest, svc.Held = Rest{Sources: 1, Held: n}, svc.Held+n
		return
	}
	svc := &r.o.Endings.Services[r.service]
	svc.Rest, svc.Ended = EndingsRest{Sources: 1, Ended: n}, svc.Ended+n
}

// span reads what stands before the services of a count of what ended.
func (r *observing) span(w, key, value string) error {
	var err error
	n := &r.o.Endings
	switch key {
	case "lost":
		n.Lost = number(value)
	case "paused":
		n.Paused, err = time.ParseDuration(value)
	default:
		n.Span, err = time.ParseDuration(w)
		n.From = r.o.At.Add(-n.Span)
	}
	return err
}

// meter reads a word of the readings of SYN meters.
func (r *observing) meter(w, key, value string) error {
	if r.policy.Service(w) != nil {
		r.o.SYNs = append(r.o.SYNs, SYNMeter{Service: w})
		return nil
	}
	if len(r.o.SYNs) == 0 {
		return errNoService
	}
	m := &r.o.SYNs[len(r.o.SYNs)-1]
	value, proven := strings.CutSuffix(value, "(proven)")
	switch {
	case key == "over":
		m.Over = number(value)
	case key == "unmetered":
		m.Unmetered = number(value)
	case key == "unlisted":
		m.Unlisted = number(value)
	case key == "completed":
		m.Completed, m.Completing = number(value), true
	case key == "provenfull":
		m.ProvenFull = true
	case value == "":
		m.SYNs = number(w)
	default:
		sources, err := crowd(r.policy, key)
		if err != nil {
			return err
		}
		for _, source := range sources {
			m.Sources = append(m.Sources, SYNSource{Source: source, Over: number(value), Proven: proven})
		}
	}
	return nil
}
