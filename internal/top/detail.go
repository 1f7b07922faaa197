package top

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ebbgate/control"
	"ebbgate/policy"
)

// labelWidth is the column in which the texts of a detail begin.
const labelWidth = 8

// detail writes what is known of one service in lines of a width.
type detail struct {
	m     *Model
	width int
	lines []string
}

// put adds a text after its label, in at most so many lines.
func (d *detail) put(label string, st *lipgloss.Style, text string, most int) {
	l := d.m.look
	for i, line := range l.wrap(text, d.width-labelWidth, 0, most) {
		if i > 0 {
			label = ""
		}
		d.lines = append(d.lines, l.subtle.Render(l.fit(label, labelWidth, false))+st.Render(line))
	}
}

// describe says of a service what must be seen: whether it is served, what is the matter, what it carries.
func (m *Model) describe(s *control.Service, width int) []string {
	d, t := &detail{m: m, width: width}, m.history.of(s.Name)
	d.served(s)
	for i := range s.Attacks {
		d.attack(s, &s.Attacks[i])
	}
	d.graph("held", heldText(s), t.held)
	d.graph("new", rateText(opened(s)), t.opened)
	d.graph("SYNs", rateText(syns(s)), t.syns)
	return d.lines
}

// extras is what is good to know of a service where there is room.
func (m *Model) extras(s *control.Service, width int) []string {
	d, l := &detail{m: m, width: width}, m.look
	if s.Offender != nil {
		d.put("exempt", &l.care, control.OffenderWords(s.Offender), 2)
	}
	for i := range s.Attacks {
		if _, _, from := control.AttackWords(m.last.status, s, &s.Attacks[i]); from != "" {
			d.put("from", &l.plain, "at the peak "+from, 2)
		}
	}
	if done := control.SoFar(s); done != "" {
		d.put("so far", &l.plain, done, 2)
	}
	d.put("allows", &l.subtle, control.LimitWords(s), 1)
	return d.lines
}

// served says whether clients get in, and why not.
func (d *detail) served(s *control.Service) {
	l := d.m.look
	word := served(s)
	st, text := &l.calm, "clients get in"
	if x := fullest(s); x != nil {
		at := fmt.Sprintf("accept queue of %s %s of %s", control.Escape(x.Local.String()), control.Number(int(x.Queue)), control.Number(int(x.Backlog)))
		if x.Unit != "" {
			at += ", held by " + control.Escape(x.Unit)
		}
		switch word {
		case "NO", "PARTLY":
			text = "FULL: the kernel drops new connections; " + at
		case "waits":
			text = "clients wait: " + at
		default:
			text += ": " + at
		}
	}
	switch word {
	case "FULL":
		text = "AT ITS CAPACITY: whoever comes next may not be served"
	case "?":
		text = "not known: no listener of this host belongs to it"
	}
	if style := l.servedStyle(word); style != nil {
		st = style
	}
	if word == "?" {
		st = &l.subtle
	}
	d.put("served", st, text, 2)
}

// attack says what it is, since when, what is done and where it comes from.
func (d *detail) attack(s *control.Service, a *control.Attack) {
	l, st := d.m.look, &d.m.look.alarm
	if a.Kind == policy.SlowApplication {
		st = &l.care
	}
	all := d.m.last.status
	what, done, _ := control.AttackWords(all, s, a)
	most := 2
	if d.m.height > fullHeight {
		most = 4
	}
	d.put("attack", st, fmt.Sprintf("%s since %s, %s: %s", control.Escape(string(a.Kind)), control.Clock(all.At, a.Since),
		control.Length(all.At.Sub(a.Since.Time).Truncate(time.Second)), what), most)
	d.put("done", &l.plain, done, most)
}

// graph adds a figure and the line of its history, if it has one.
func (d *detail) graph(label, text string, s series) {
	l := d.m.look
	const textWidth = 30
	line := l.subtle.Render(l.fit(label, labelWidth, false)) + l.fit(text, textWidth, false)
	if p := peak(s); !math.IsNaN(p) {
		room := min(samples, d.width-labelWidth-textWidth-14)
		line += " " + l.spark(s, min(room, len(s))) + l.subtle.Render(" max "+compact(p, 7))
	}
	d.lines = append(d.lines, line)
}

func heldText(s *control.Service) string {
	text := control.Number(s.Held)
	if s.Capacity > 0 {
		text = fmt.Sprintf("%s of %s (%d %%)", text, control.Number(s.Capacity), s.Held*100/s.Capacity)
	}
	return text
}

func rateText(v float64) string {
	if math.IsNaN(v) {
		return "not counted now"
	}
	return control.PerSecond(control.Rate(v))
}

// panelTitle is a rule with the service's name and what it is.
func (m *Model) panelTitle(s *control.Service) string {
	l := m.look
	about := fmt.Sprintf("  %s, ports %s, %s, %s half-open ", s.Mode, control.Escape(s.Ports), control.Counted(s.Sources, "source", "sources"), control.Number(s.HalfOpen))
	name := l.clip(" "+control.Escape(s.Name), m.width/2)
	about = l.clip(about, m.width-lipgloss.Width(name)-2)
	return l.subtle.Render(strings.Repeat(l.rule, 2)) + l.strong.Render(name) + about +
		l.subtle.Render(strings.Repeat(l.rule, max(0, m.width-2-lipgloss.Width(name)-lipgloss.Width(about))))
}

// leastWho is the least room for who holds most: a heading and three sources.
const leastWho = 4

// panel is the lower part of the services' pane: what is known of the chosen service, and who holds most of
// it, beside that in a wide window and below it else.
func (m *Model) panel(s *control.Service, height int) []string {
	if m.width >= wide {
		return m.panelBeside(s, height)
	}
	lines := append([]string{m.panelTitle(s)}, m.describe(s, m.width)...)
	extras := m.extras(s, m.width)
	who := m.who(s, m.width, max(leastWho, height-len(lines)-len(extras)))
	if room := height - len(lines) - len(extras); room >= min(leastWho, len(who)) {
		lines = append(lines, extras...)
	}
	if room := height - len(lines); room > 1 {
		lines = append(lines, m.who(s, m.width, room)...)
	}
	return lines[:min(len(lines), height)]
}

func (m *Model) panelBeside(s *control.Service, height int) []string {
	left := min(m.width*11/20, 84)
	text := append(m.describe(s, left-2), m.extras(s, left-2)...)
	who := m.who(s, m.width-left, height-1)
	lines := []string{m.panelTitle(s)}
	for i := range max(len(text), len(who)) {
		line := ""
		if i < len(text) {
			line = text[i]
		}
		if i < len(who) {
			line = m.look.fit(line, left, false) + who[i]
		}
		lines = append(lines, line)
	}
	return lines[:min(len(lines), height)]
}

// who is a table of the sources that hold most of a service.
func (m *Model) who(s *control.Service, width, height int) []string {
	l := m.look
	if m.last.sourcesErr != nil {
		return []string{l.subtle.Render(l.clip(withoutAnswer("sources", m.last.sourcesErr), width))}
	}
	rows := m.heaviest(s.Name)
	if asked := m.last.asked.Service; len(rows) == 0 && asked != "" && asked != s.Name {
		return []string{l.subtle.Render("  " + asking)}
	}
	if len(rows) == 0 {
		return []string{l.subtle.Render(l.clip("  no source of it is known now", width))}
	}
	return l.table(besideColumns, rows, 0, -1, width, height)
}
