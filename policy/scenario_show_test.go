package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// sameInARow is from how many neighbours on that differ in nothing but their source are shown in one
// line.
const sameInARow = 5

// shown writes a decision as the scenarios state it. Of open attacks the changes of this turn are
// shown, of ended ones all.
type shown struct {
	strings.Builder
	d *Decision
}

func showDecision(d *Decision) string {
	s := shown{d: d}
	if len(d.Watch.Suspicion) > 0 {
		s.line("suspicion: %s", strings.Join(d.Watch.Suspicion, ", "))
	}
	if d.Watch.Endings {
		s.line("count what ends")
	}
	if d.Untracked != "" {
		s.line("nothing is counted by the kernel: %s", d.Untracked)
	}
	if d.Watch.CookiesOff {
		s.line("SYN cookies are off")
	}
	for i := range d.Events {
		s.event(&d.Events[i])
	}
	for i := range d.Attacks {
		s.attack(&d.Attacks[i])
	}
	for i := range d.Ended {
		s.attack(&d.Ended[i])
	}
	s.answers()
	for _, m := range d.Meters {
		s.line("meter %s %d SYNs/s until %v", m.Service, m.Max, seconds(m.Until))
	}
	for i := range d.Proxies {
		s.proxy(&d.Proxies[i])
	}
	s.exempt()
	for _, m := range d.Modes {
		text := fmt.Sprintf("mode %s %s by hand", m.Service, m.Mode)
		if m.Until != 0 {
			text += fmt.Sprintf(" until %v", seconds(m.Until))
		}
		s.line("%s", text)
	}
	if d.Next != 0 {
		s.line("next %v", seconds(d.Next))
	}
	return s.String()
}

func (s *shown) line(format string, args ...any) { fmt.Fprintf(s, "  "+format+"\n", args...) }

func (s *shown) event(e *Event) {
	text := fmt.Sprintf("event %s", e.Kind)
	if e.Service != "" {
		text += " " + e.Service
	}
	if e.Attack != 0 {
		text += fmt.Sprintf(" attack %d", e.Attack)
	}
	if e.Cause != "" {
		text += " " + string(e.Cause)
	}
	if e.Source.IsValid() {
		text += " " + e.Source.String()
	}
	if e.Count > 1 {
		text += fmt.Sprintf(" (%d)", e.Count)
	}
	if e.Reason != (Reason{}) {
		text += ": " + e.Reason.String()
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	s.line("%s", text)
}

func (s *shown) attack(a *Attack) {
	text := fmt.Sprintf("attack %d %s %s since %v", a.ID, a.Service, a.Kind, seconds(a.Began))
	if a.Ended != 0 {
		text = fmt.Sprintf("ended attack %d %s %s after %v", a.ID, a.Service, a.Kind, seconds(a.Ended-a.Began))
	}
	if a.Mode == Shadow {
		text += " in shadow"
	}
	for _, peak := range []struct {
		n    int
		what string
	}{{a.PeakHeld, "peak %d held by all"}, {a.PeakSources, "%d sources answered"}, {a.PeakRate, "%d a second"},
		{a.Excess, "%d to be closed"}, {a.Blocked, "%d blocks"}} {
		if peak.n > 0 {
			text += ", " + fmt.Sprintf(peak.what, peak.n)
		}
	}
	if a.EndedWhy != "" {
		text += ": " + a.EndedWhy
	}
	s.line("%s", text)
	if a.Began == s.d.At || a.Ended != 0 {
		s.detail(a)
	}
	for _, c := range a.Changes {
		if c.At != s.d.At && a.Ended == 0 {
			continue
		}
		text := fmt.Sprintf("  at %v %s", seconds(c.At), c.What)
		if c.Source.IsValid() {
			text += " " + c.Source.String()
		}
		if c.Count > 0 {
			text += fmt.Sprintf(" (%d)", c.Count)
		}
		if c.Why != "" {
			text += ": " + c.Why
		}
		s.line("%s", text)
	}
	if a.Dropped > 0 {
		s.line("  and %d more changes", a.Dropped)
	}
}

// detail shows what is told of an attack when it begins and when it ends.
func (s *shown) detail(a *Attack) {
	s.line("  because %s", a.Evidence)
	if a.Why != "" {
		s.line("  %s", a.Why)
	}
	for _, top := range a.Top {
		text := fmt.Sprintf("  most: %s held %d by %d sources", top.Prefix, top.Held, top.Sources)
		if top.Rate > 0 {
			text += fmt.Sprintf(", which opened %d a second", top.Rate)
		}
		s.line("%s", text)
	}
}

// answers shows what holds for sources.
func (s *shown) answers() {
	var rows rows
	for _, l := range s.d.Limits {
		text := fmt.Sprintf("%s held %d of %d until %v", l.Mode, l.Held, l.Max, seconds(l.Until))
		for _, flag := range []struct {
			on   bool
			word string
		}{{l.Refuse, "refuse"}, {l.Close, "close"}, {!l.Exact, "inexact"}} {
			if flag.on {
				text += " " + flag.word
			}
		}
		rows.add("limit "+l.Service, l.Source, fmt.Sprintf("%s; %s", text, l.Reason))
	}
	for _, b := range s.d.Blocks {
		text := fmt.Sprintf("%s strike %d until %v", b.Mode, b.Strikes, seconds(b.Until))
		if b.Close {
			text += " close"
		}
		text = fmt.Sprintf("%s; %s", text, b.Reason)
		if b.Note != "" {
			text += ": " + b.Note
		}
		rows.add("block "+b.Service, b.Source, text)
	}
	for _, w := range s.d.Watched {
		rows.add("watch "+w.Service, w.Source, fmt.Sprintf("%s until %v", w.Mode, seconds(w.Until)))
	}
	for _, d := range s.d.Drops {
		rows.add("drop SYNs "+d.Service, d.Source, fmt.Sprintf("%s until %v", d.Mode, seconds(d.Until)))
	}
	rows.show(s)
	for _, r := range s.d.Reliefs {
		s.line("relief %s %s held %d down to %d; %s", r.Service, r.Mode, r.Held, r.Max, r.Reason)
	}
}

func (s *shown) proxy(p *Proxy) {
	text := fmt.Sprintf("proxy %s %s", p.Service, p.Mode)
	for _, at := range []struct {
		what string
		at   Instant
	}{{"since", p.Since}, {"until", p.Until}, {"drain", p.Drain}} {
		if at.at != 0 {
			text += fmt.Sprintf(" %s %v", at.what, seconds(at.at))
		}
	}
	if p.Drain != 0 {
		text += fmt.Sprintf(" mss %d/%d", p.MSS4, p.MSS6)
	}
	text += "; " + p.String()
	if p.Reason != (Reason{}) {
		text += "; " + p.Reason.String()
	}
	s.line("%s", text)
}

func (s *shown) exempt() {
	for _, e := range s.d.Exempt {
		text := "exempt " + e.Prefix.String()
		if e.Service != "" {
			text += " of " + e.Service
		}
		if e.Until != 0 {
			text += fmt.Sprintf(" until %v", seconds(e.Until))
		}
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		s.line("%s", text)
	}
	if len(s.d.SSH.Admins) > 0 {
		s.line("administrators %v on ports %v", s.d.SSH.Admins, s.d.SSH.Ports)
	}
}

// rows are lines about sources, of which neighbours that say the same are shown together.
type rows []row

type row struct {
	what   string
	source netip.Prefix
	text   string
}

func (r *rows) add(what string, source netip.Prefix, text string) {
	*r = append(*r, row{what, source, text})
}

func (r rows) show(s *shown) {
	for len(r) > 0 {
		n := 1
		for n < len(r) && r[n].what == r[0].what && r[n].text == r[0].text {
			n++
		}
		if n < sameInARow {
			n = 1
			s.line("%s %s %s", r[0].what, r[0].source, r[0].text)
		} else {
			s.line("%s %s to %s (%d) %s", r[0].what, r[0].source, r[n-1].source, n, r[0].text)
		}
		r = r[n:]
	}
}

func seconds(i Instant) time.Duration { return time.Duration(i) }
