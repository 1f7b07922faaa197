package top

import (
	"errors"
	"strings"

	"ebbgate/control"
)

// footer is the question that is asked, or what came of the last key, or the keys.
func (m *Model) footer() []string {
	l := m.look
	switch {
	case m.order != nil:
		return m.order.ask(l, m.width)
	case m.said != "":
		st := &l.calm
		if m.saidBad {
			st = &l.alarm
		}
		lines := l.wrap(m.said, m.width, 2, 3)
		for i := range lines {
			lines[i] = st.Render(lines[i])
		}
		return lines
	case m.sending:
		return []string{l.strong.Render("the daemon is told ...")}
	case m.filtering:
		return []string{m.keysLine("type a part of an address, a service or a state", "enter done", "esc show all")}
	case m.page != nil:
		return []string{m.keysLine(l.arrowKeys+" scroll", "esc back", "q quit")}
	}
	return []string{m.keysLine(m.paneKeys()...)}
}

// paneKeys are those that do something in the present pane, the most useful first.
func (m *Model) paneKeys() []string {
	general := []string{"s sort", "/ find", "? help", "q quit", "tab pane", "p pause"}
	switch m.pane {
	case servicesPane:
		return append([]string{"enter its sources", "m mode"}, general...)
	case attacksPane:
		return append([]string{"enter its story", "m mode"}, general...)
	}
	return append(append([]string{"w why", "b block", "u unblock", "e exempt"}, general...), "m mode")
}

// keysLine writes as many keys as there is room for.
func (m *Model) keysLine(keys ...string) string {
	line := ""
	for _, k := range keys {
		next := line + k + "  "
		if len([]rune(next))-2 > m.width {
			break
		}
		line = next
	}
	return m.look.subtle.Render(strings.TrimRight(line, " "))
}

// errorText is an error in one line, escaped once.
func errorText(err error) string {
	var refusal *control.Error
	if errors.As(err, &refusal) {
		return refusal.Error()
	}
	return control.Escape(err.Error())
}

// withoutAnswer says why a part of the picture is missing.
func withoutAnswer(what string, err error) string {
	var refusal *control.Error
	if errors.As(err, &refusal) && refusal.Kind == control.KindNotFound {
		return what + ": this daemon is older than ebbgate top and cannot say"
	}
	return what + ": " + errorText(err)
}
