package control

import (
	"fmt"
	"io"
	"strings"

	"ebbgate/policy"
)

// WriteAttacks renders attacks as a table for people, the newest first. That there are more, it leaves
// to the caller to say, who knows what was asked for. The only error is w's.
func WriteAttacks(w io.Writer, a *Attacks, o TextOptions) error {
	p := newPage(o)
	if len(a.Attacks) == 0 {
		p.put(plain, 0, "no attack that is known")
		return p.send(w, "attacks")
	}
	rows := [][]string{{"ID", "KIND", "SERVICE", "MODE", "BEGAN", "LASTED", "HELD", "SOURCES", "BLOCKED", "NOW"}}
	for i := range a.Attacks {
		rows = append(rows, attackRow(a.At, &a.Attacks[i]))
	}
	p.sparing(0, rows, []int{3, 8, 7}, 0, 5, 6, 7, 8)
	p.put(subtle, 0, "HELD: connections held by all; SOURCES answered at once; both at the peak")
	return p.send(w, "attacks")
}

func attackRow(now Time, a *Attack) []string {
	end, state := now, "OPEN"
	if !a.Ended.IsZero() {
		end, state = a.Ended, "ended"
	}
	return []string{Escape(a.ID), Escape(string(a.Kind)), Escape(a.Service), a.Mode.String(), Clock(now, a.Since), ago(end, a.Since),
		Number(a.PeakHeld), Number(a.PeakSources), Number(a.Blocked), state}
}

// WriteAttack tells one attack to people in the order of time, then what it amounted to. Now is the
// reader's time. The only error is w's.
func WriteAttack(w io.Writer, a *Attack, o TextOptions) error {
	p := newPage(o)
	now := TimeOf(o.Now)
	st, state := alarm, "OPEN for "+ago(now, a.Since)
	if !a.Ended.IsZero() {
		st, state = calm, "ended after "+ago(a.Ended, a.Since)
	}
	p.put(st, 2, fmt.Sprintf("%s %s on %s  %s  %s", Escape(string(a.Kind)), Escape(a.ID), Escape(a.Service), a.Mode, state))
	p.line(plain, "")
	p.story(a)
	p.line(plain, "")
	p.sum(a)
	return p.send(w, "attack")
}

// story tells what happened, each with its time. When the first rule met the attack is told where it
// belongs among the changes.
func (p *page) story(a *Attack) {
	tell := func(t Time, text string) { p.put(plain, 21, pad(stamp(t), 21, false)+text) }
	tell(a.Since, "began: "+recognised(a))
	if a.Why != "" {
		p.put(plain, 21, pad("", 21, false)+Escape(a.Why))
	}
	rule := a.FirstRule
	for i := range a.Changes {
		x := &a.Changes[i]
		if !rule.IsZero() && x.At.After(rule.Time) {
			tell(rule, "first rule in the kernel, "+afterwards(a))
			rule = Time{}
		}
		tell(x.At, changeWords(x))
	}
	if !rule.IsZero() {
		tell(rule, "first rule in the kernel, "+afterwards(a))
	}
	if a.ChangesLost > 0 {
		p.put(subtle, 21, pad("", 21, false)+Counted(a.ChangesLost, "more change between these is", "more changes between these are")+" not kept")
	}
	if !a.Ended.IsZero() {
		tell(a.Ended, "ended: "+Escape(a.EndedWhy))
	}
}

func stamp(t Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func changeWords(x *Change) string {
	text := Escape(x.What)
	switch {
	case strings.HasPrefix(x.What, "share lifted"):
	case x.Count > 0 && strings.HasPrefix(x.What, "share "):
		// It is the prefixes that get a share, and the sources in them that are held to it.
		text += fmt.Sprintf(" (%s held to it)", Counted(x.Count, "source", "sources"))
	case x.Source.IsValid():
		text += " " + SourceText(x.Source)
	case x.Count > 0:
		text += " (" + Number(x.Count) + ")"
	}
	if x.Why != "" {
		text += ": " + Escape(x.Why)
	}
	return text
}

// sum says what the attack amounted to and what was done.
func (p *page) sum(a *Attack) {
	peak := []string{Counted(a.PeakHeld, "connection held", "connections held"), Counted(a.PeakSources, "source answered", "sources answered") + " at once"}
	if a.PeakRate > 0 {
		peak = append(peak, Number(a.PeakRate)+" "+rateOf(a))
	}
	p.put(plain, 9, "peak     "+strings.Join(peak, ", "))
	p.put(plain, 9, "answer   "+answerWords(a))
	if len(a.Top) == 0 {
		return
	}
	rows := [][]string{{"AT THE PEAK FROM", "HELD", "SOURCES"}}
	churn := a.Kind == policy.Churn && a.Top[0].PerS > 0 // an attack of an earlier version has no rates
	if churn {
		rows[0][1] = "NEW/S"
	}
	for _, t := range a.Top {
		n := t.Held
		if churn {
			n = t.PerS
		}
		rows = append(rows, []string{SourceText(t.Prefix), Number(n), Number(t.Sources)})
	}
	p.table(4, rows, 1)
}

// answerWords says what was done, or would have been.
func answerWords(a *Attack) string {
	if a.Kind == policy.SpoofedSYNFlood || a.Kind == policy.SlowApplication {
		return "nobody is limited for an attack of this kind"
	}
	over, blocks := Counted(a.Excess, "connection", "connections")+" over the limit", Counted(a.Blocked, "block", "blocks")
	if a.Mode == policy.Shadow {
		return fmt.Sprintf("nothing was done (shadow mode); it would have closed %s and begun %s", over, blocks)
	}
	text := fmt.Sprintf("%s closed or to be closed, %s begun", over, blocks)
	if a.Blocked > 0 {
		text += ", each of which closes what its source still holds"
	}
	return text
}

// rateOf says what the peak rate counts.
func rateOf(a *Attack) string {
	if a.Kind == policy.SYNFlood || a.Kind == policy.SpoofedSYNFlood {
		return "SYNs a second"
	}
	return "new connections a second"
}
