package report

import (
	"html/template"
	"time"

	"ebbgate/control"
	"ebbgate/internal/escape"
	"ebbgate/policy"
)

// page is what the template shows. Every text in it went through text, or is of our own words and numbers.
type page struct {
	Policy   string // of the browser
	Style    template.CSS
	Title    string
	Kind     string
	Badges   []badge
	Lead     []string
	Figures  []figure
	Served   verdict
	Timeline []entry
	Lost     string
	Plots    []plot
	Hatch    string
	Notes    []string // on the plots, or why there are none
	Top      []prefix
	Measure  string // what Top is measured in
	Acted    *acted
	Section  string // of the policy file
	Nature   string // of the section: when it was so, or why there is none
	Foot     []string
}

// badge is a word on the state of the attack; its class gives the colour.
type badge struct{ Class, Text string }

// figure is one key figure.
type figure struct{ Value, Label, Note string }

// prefix is where an attack came from; Share is that of the heaviest in percent.
type prefix struct {
	Prefix, Measured, Sources string
	Share                     int
}

// text makes what others wrote safe to read: what does not print, or turns the line around, is shown as a
// code. Markup is left to the template.
func text(s string) string { return escape.Terminal(s) }

func newPage(f *Facts) *page {
	a, c := f.Attack, newClock(f)
	p := &page{
		Policy: securityPolicy(),
		// The file is our own, and must not change by a byte: its hash is in the security policy.
		Style:    template.CSS(styleText),
		Title:    title(a),
		Kind:     text(string(a.Kind)),
		Badges:   badges(a),
		Lead:     lead(f, c),
		Figures:  figures(f),
		Served:   served(f),
		Timeline: timeline(a, c),
		Hatch:    hatch(),
		Acted:    actedBy(a),
		Foot:     foot(f, c),
	}
	if a.ChangesLost > 0 {
		p.Lost = control.Counted(a.ChangesLost, "more change between these is", "more changes between these are") + " not kept."
	}
	p.Plots, p.Notes = plots(f, c, p.Timeline)
	p.Section, p.Nature = section(a)
	p.Top, p.Measure = tops(a)
	return p
}

func badges(a *control.Attack) []badge {
	state := badge{"calm", "Ended"}
	if a.Ended.IsZero() {
		state = badge{"alarm", "Still open"}
	}
	if watched(a) {
		return []badge{state, {"care", "Shadow mode: only watched"}}
	}
	return []badge{state, {"plain", "Enforce mode"}}
}

// tops returns where an attack came from, by what its sources held, and what that is; of churn by what they opened a
// second, which an attack of an earlier version does not tell.
func tops(a *control.Attack) (list []prefix, measure string) {
	measure = "Held"
	of := func(t *control.PrefixCount) int { return t.Held }
	if a.Kind == policy.Churn && len(a.Top) > 0 && a.Top[0].PerS > 0 {
		measure, of = "Opened a second", func(t *control.PrefixCount) int { return t.PerS }
	}
	most := 1
	for i := range a.Top {
		most = max(most, of(&a.Top[i]))
	}
	for i := range a.Top {
		t := &a.Top[i]
		list = append(list, prefix{text(control.SourceText(t.Prefix)), control.Number(of(t)), control.Number(t.Sources), max(0, of(t)) * 100 / most})
	}
	return list, measure
}

func foot(f *Facts, c clock) []string {
	host := f.Host
	if host == "" {
		host = "a host of unknown name"
	}
	return []string{
		"Told by ebbgate " + text(f.Version) + " on " + text(host) + " at " + c.full(f.At) + ".",
		"Times are those of " + c.zone() + ". This page is complete: it holds no script and fetches nothing. It contains addresses of clients; treat it accordingly.",
	}
}

// end is when the attack ended, or up to when it is known.
func (f *Facts) end() time.Time {
	if !f.Attack.Ended.IsZero() {
		return f.Attack.Ended.Time
	}
	return f.At
}

// lasted is how long the attack lasted, or has by now.
func (f *Facts) lasted() time.Duration { return max(0, f.end().Sub(f.Attack.Since.Time)) }
