package top

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ebbgate/control"
	"ebbgate/policy"
)

// verb is what is ordered.
type verb int

const (
	block verb = iota
	unblock
	exempt
	setMode
)

// order is what the operator is asked to confirm. What it concerns is fixed when the question begins,
// however the pictures change.
type order struct {
	verb   verb
	source netip.Prefix // of all but setMode
	row    string       // service of the row it was begun at; empty: none
	all    bool         // of all services
	times  []time.Duration
	chosen int // of times
	mode   policy.Mode
}

// begin asks about an order for the chosen row, or says why it cannot be given.
func (m *Model) begin(key string) {
	r := m.selected()
	o := &order{source: r.source, row: r.service, all: true}
	switch key {
	case "b":
		o.verb, o.times, o.chosen = block, []time.Duration{10 * time.Minute, control.DefaultBlockFor, 24 * time.Hour, 7 * 24 * time.Hour}, 1
	case "u":
		o.verb = unblock
	case "e":
		o.verb, o.times, o.chosen = exempt, []time.Duration{time.Hour, control.DefaultExemptFor, 7 * 24 * time.Hour}, 1
	case "m":
		o.verb, o.times, o.all = setMode, []time.Duration{15 * time.Minute, time.Hour, 0}, false
	}
	svc := m.service(r.service)
	switch {
	case m.whyNot != "":
		m.say(m.whyNot, true)
	case m.sending:
		m.say("the order before this one is still being carried out", true)
	case o.verb == setMode && svc == nil:
		m.say("choose a service first", true)
	case o.verb != setMode && !o.source.IsValid():
		m.say(fmt.Sprintf("choose an address first: they are under %d %s and %d %s", sourcesPane+1, sourcesPane.title(), leasesPane+1, leasesPane.title()), true)
	default:
		if o.verb == setMode {
			o.mode = other(svc.Mode)
		}
		m.order = o
	}
}

func other(m policy.Mode) policy.Mode {
	if m == policy.Shadow {
		return policy.Enforce
	}
	return policy.Shadow
}

// length is for how long; 0: no end of its own.
func (o *order) length() time.Duration {
	if len(o.times) == 0 {
		return 0
	}
	return o.times[o.chosen]
}

func (o *order) service() string {
	if o.all {
		return ""
	}
	return o.row
}

func (o *order) at() string {
	if o.service() == "" {
		return "at all services"
	}
	return "at " + control.Escape(o.service())
}

// what says the order in words, and what follows from it.
func (o *order) what() (what, then string) {
	who := control.SourceText(o.source)
	switch o.verb {
	case block:
		return fmt.Sprintf("BLOCK %s %s for %s?", who, o.at(), control.Length(o.length())),
			"All its packets are dropped, and the connections it holds are closed at once."
	case unblock:
		return fmt.Sprintf("UNBLOCK %s %s?", who, o.at()), "Blocks and limits of it end, and its strikes are forgiven; if it goes on, they come back."
	case exempt:
		return fmt.Sprintf("EXEMPT %s %s for %s?", who, o.at(), control.Length(o.length())),
			"It is freed at once, and neither limited nor blocked until then, whatever it does."
	}
	then = "Then it goes back by itself."
	if o.length() == 0 {
		then = "It stays so until the next reload or restart."
	}
	effect := "Shadow only watches: nobody is limited or blocked any more. "
	if o.mode == policy.Enforce {
		effect = "Limits and blocks take effect. "
	}
	return fmt.Sprintf("MODE %s %s%s?", o.mode, o.at(), modeFor(o.length())), effect + then
}

func modeFor(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " for " + control.Length(d)
}

// ask is the question, in the lines of the footer.
func (o *order) ask(l *look, width int) []string {
	what, then := o.what()
	keys := []string{"y yes", "n no"}
	if len(o.times) > 0 {
		keys = append(keys, "t another time")
	}
	switch {
	case o.row != "" && o.all:
		keys = append(keys, "a at "+control.Escape(o.row)+" only")
	case o.row != "":
		keys = append(keys, "a at all services")
	}
	lines := []string{l.subtle.Render(strings.Repeat(l.rule, width)), l.badgeDegraded.Render(l.fit(" "+what, width, false))}
	lines = append(lines, l.wrap(" "+then, width, 1, 2)...)
	return append(lines, l.strong.Render(l.clip(" "+strings.Join(keys, "   "), width)))
}

// orderKey is a key while an order is asked about. Only y carries it out, and whatever is not a choice
// of the question leaves everything as it is.
func (m *Model) orderKey(key string) tea.Cmd {
	o := m.order
	switch key {
	case "t":
		if len(o.times) > 0 {
			o.chosen = (o.chosen + 1) % len(o.times)
		}
		return nil
	case "a":
		if o.row != "" {
			o.all = !o.all
		}
		return nil
	case "y":
		m.order, m.sending = nil, true
		return func() tea.Msg { return o.send(m.daemon) }
	}
	m.order = nil
	m.say("nothing was changed", false)
	return nil
}
