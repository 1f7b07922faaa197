package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ebbgate/control"
	"ebbgate/policy"
)

// standsStill is the age at which a picture is old: many times the longest turn of the daemon's loop.
const standsStill = 10 * time.Second

// mostFaults is how many faults are named.
const mostFaults = 3

// header is what stands above every pane: the state in one look, then the host. In a low window only the
// state is left.
func (m *Model) header() []string {
	s := m.last.status
	if s == nil {
		return append([]string{m.look.badgeNote.Render(" ebbgate ") + " " + m.waiting()}, m.notes()...)
	}
	lines := m.headline(s)
	if m.small() {
		return append(lines[:1], m.notes()...)
	}
	lines = append(lines, m.host(s)...)
	if m.height >= fullHeight {
		lines = append(lines, m.look.subtle.Render(m.look.clip(m.about(s), m.width)))
	}
	return append(lines, m.notes()...)
}

func (m *Model) waiting() string {
	if m.failed == nil {
		return asking
	}
	return "no picture yet"
}

// headline has the state as badges and what is the matter in words. Faults have lines of their own, so that
// no fault hides an attack.
func (m *Model) headline(s *control.Status) []string {
	faultless := *s
	faultless.Faults = nil
	badges := m.badges(s)
	indent := lipgloss.Width(badges) + 1
	most := 2
	if m.small() {
		most = 1
	}
	lines := m.look.wrap(strings.TrimPrefix(control.StatusLine(&faultless), "ATTACK "), m.width-indent, 0, most)
	if len(lines) == 0 {
		return []string{badges}
	}
	for i := range lines {
		lead := badges + " "
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		lines[i] = lead + m.look.strong.Render(lines[i])
	}
	return lines
}

func (m *Model) badges(s *control.Status) string {
	l, attack, slow := m.look, false, false
	for i := range s.Services {
		switch condition(&s.Services[i]) {
		case "ATTACK":
			attack = true
		case "SLOW":
			slow = true
		}
	}
	text := ""
	if s.State == control.StateDegraded {
		text += l.badgeDegraded.Render(" DEGRADED ")
	}
	switch {
	case attack:
		text += l.badgeAttack.Render(" ATTACK ")
	case slow:
		text += l.badgeDegraded.Render(" SLOW ")
	case text == "" && s.State == control.StatePeace:
		text = l.badgePeace.Render(" PEACE ")
	case text == "":
		text = l.badgeDegraded.Render(" " + strings.ToUpper(control.Escape(string(s.State))) + " ")
	}
	if shadow := shadows(s); shadow != "" {
		text += l.badgeNote.Render(shadow)
	}
	return text
}

// shadows says how many services are only watched; empty: none.
func shadows(s *control.Status) string {
	n := 0
	for i := range s.Services {
		if s.Services[i].Mode == policy.Shadow {
			n++
		}
	}
	switch {
	case n == 0:
		return ""
	case n == len(s.Services):
		return " SHADOW "
	}
	return fmt.Sprintf(" %d of %d SHADOW ", n, len(s.Services))
}

// host is the kernel's side, what is wrong in capitals and first.
func (m *Model) host(s *control.Status) []string {
	k, l := &s.Kernel, m.look
	var parts []string
	if k.OverflowsPerS > 0 || k.DropsPerS > 0 {
		parts = append(parts, l.alarm.Render("host DROPS "+control.PerSecond(max(k.DropsPerS, k.OverflowsPerS))+" at full queues"))
	}
	accepts := "host accepts " + control.PerSecond(k.OpensPerS)
	if m.width > leastWidth {
		accepts += " " + l.spark(m.history.opens, min(max(8, (m.width-90)/2), samples))
	}
	parts = append(parts, accepts, m.cookies(k), conntrack(k, &s.Table), m.table(&s.Table))
	most := 2
	if m.height < fullHeight {
		most = 1
	}
	return l.flow(parts, m.width, most)
}

func (m *Model) cookies(k *control.Kernel) string {
	switch {
	case k.CookiesMissing:
		return m.look.alarm.Render("SYN cookies OFF in a flood")
	case k.SynCookies == 0:
		return m.look.care.Render("SYN cookies OFF")
	case k.CookiesSentPerS > 0:
		return fmt.Sprintf("cookies %s sent, %s valid", control.PerSecond(k.CookiesSentPerS), control.PerSecond(k.CookiesValidPerS))
	case k.SynCookies < 0:
		return "SYN cookies unknown"
	}
	return "SYN cookies on"
}

func conntrack(k *control.Kernel, t *control.Table) string {
	if k.ConntrackMax == 0 {
		return "no conntrack"
	}
	who := string(t.Conntrack)
	if t.Conntrack == control.ConntrackOff || who == "" {
		return "conntrack off"
	}
	return fmt.Sprintf("conntrack %d %% (%s)", k.ConntrackCount*100/k.ConntrackMax, control.Escape(who))
}

func (m *Model) table(t *control.Table) string {
	switch {
	case !t.Present:
		return "no table"
	case t.Owned:
		return "table owned"
	}
	return m.look.care.Render("table NOT owned")
}

// about is who answers, since when, and by which policy.
func (m *Model) about(s *control.Status) string {
	return fmt.Sprintf("%s  up %s  pid %d  ebbgate %s  policy %s", s.At.UTC().Format("15:04:05 UTC"),
		control.Length(s.At.Sub(s.Started.Time).Truncate(time.Second)), s.PID, control.Escape(s.Version), control.Escape(s.PolicyFile))
}

// notes are what keeps the picture from being the whole truth, each in one line.
func (m *Model) notes() []string {
	var notes []string
	add := func(st *lipgloss.Style, format string, args ...any) {
		notes = append(notes, st.Render(m.look.clip(fmt.Sprintf(format, args...), m.width)))
	}
	if m.small() {
		add(&m.look.care, "window %dx%d is small: %dx%d shows more", m.width, m.height, leastWidth, leastHeight)
	}
	if m.paused {
		add(&m.look.badgeNote, " PAUSED: nothing is asked until you press p ")
	}
	now := m.now()
	if m.failed != nil {
		add(&m.look.badgeDegraded, " NO ANSWER since %s, for %s, trying again: %s ", m.since.UTC().Format("15:04:05"),
			control.Length(now.Sub(m.since).Truncate(time.Second)), errorText(m.failed))
	}
	s := m.last.status
	if s == nil {
		return notes
	}
	if age := now.Sub(s.At.Time); m.failed == nil && !m.paused && age > standsStill {
		add(&m.look.alarm, "this picture is %s old: the daemon answers but its loop stands still", control.Length(age.Truncate(time.Second)))
	}
	for i := 0; i < min(len(s.Faults), mostFaults); i++ {
		f := &s.Faults[i]
		add(&m.look.alarm, "!! %s: %s (for %s)", control.Escape(f.Part), control.Escape(f.Text), control.Length(s.At.Sub(f.Since.Time).Truncate(time.Second)))
	}
	if more := len(s.Faults) - mostFaults; more > 0 {
		add(&m.look.alarm, "!! and %s: ebbgate status", control.Counted(more, "more fault", "more faults"))
	}
	return notes
}
