package control

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"ebbgate/policy"
)

// TextOptions says how a page for people is rendered.
type TextOptions struct {
	Width int       // columns; 0: 100; at least 60; Whole: lines are not broken
	Color bool      // use terminal colours; never the only carrier of a meaning
	Now   time.Time // the reader's time, to notice an old picture; zero: do not look
}

// Whole is the width of a page that a program reads line by line.
const Whole = math.MaxInt

const (
	defaultWidth = 100
	minWidth     = 60

	// staleAfter is many times the longest turn of the daemon's loop.
	staleAfter = 10 * time.Second
)

// WriteStatus renders s for people: the state in one line, what does not work, each service with
// its attacks, limits and blocks and their reasons, then who is exempt and the host. Times are UTC and ages count from the
// moment of the picture. Everything that others can choose is escaped. The only error is w's.
func WriteStatus(w io.Writer, s *Status, o TextOptions) error {
	p := newPage(o)
	p.headline(s)
	p.stale(s, o.Now)
	p.faults(s)
	if len(s.Services) == 0 {
		p.put(care, 0, "no service is watched")
	}
	for i := range s.Services {
		p.line(plain, "")
		p.service(s, &s.Services[i])
	}
	p.line(plain, "")
	p.trials(s)
	p.exempt(s)
	p.host(s)
	return p.send(w, "status")
}

func (p *page) headline(s *Status) {
	st, state := care, strings.ToUpper(string(s.State))
	switch s.State {
	case StatePeace:
		st = calm
	case StateAttack:
		st = alarm
		if onlySlow(s) {
			st, state = care, "SLOW APPLICATION"
		}
	case "":
		state = "UNKNOWN"
	}
	p.put(st, 2, fmt.Sprintf("%s  %s  up %s", Escape(state), at(s.At), ago(s.At, s.Started)))
}

// onlySlow reports whether all that is wrong is that applications are slow.
func onlySlow(s *Status) bool {
	slow := false
	for i := range s.Services {
		for j := range s.Services[i].Attacks {
			if s.Services[i].Attacks[j].Kind != policy.SlowApplication {
				return false
			}
			slow = true
		}
	}
	return slow
}

func at(t Time) string {
	if t.IsZero() {
		return "(no time)"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func (p *page) stale(s *Status, now time.Time) {
	if now.IsZero() || s.At.IsZero() {
		return
	}
	if age := now.Sub(s.At.Time); age > staleAfter {
		p.put(alarm, 4, fmt.Sprintf("!!  this picture is %s old: the daemon answers but its loop stands still", Length(age)))
	}
}

// faults come before everything else: what follows may be incomplete because of them.
func (p *page) faults(s *Status) {
	for _, f := range s.Faults {
		p.put(alarm, 4, fmt.Sprintf("!!  %s: %s (for %s)", Escape(f.Part), Escape(f.Text), ago(s.At, f.Since)))
	}
	if s.Reload == nil || s.Reload.Error == "" {
		return
	}
	p.put(alarm, 4, fmt.Sprintf("!!  reload at %s was refused, the policy before it stays in force:", Clock(s.At, s.Reload.At)))
	for line := range strings.Lines(s.Reload.Error) {
		p.put(plain, 6, "    "+Escape(strings.TrimRight(line, "\r\n")))
	}
}
