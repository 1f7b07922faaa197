package top

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ebbgate/control"
)

// page is a text over the pane: why an address is treated as it is, one attack, or the keys.
type page struct {
	first   int // line shown
	address netip.Addr
	why     *control.Explanation
	err     error
	attack  string // the ID
	help    bool
}

// text is the page in lines as wide as the window.
func (m *Model) text() (title string, lines []string) {
	p := m.page
	options := control.TextOptions{Width: max(leastWidth, m.width), Color: m.look.color}
	if m.last.status != nil {
		options.Now = m.last.status.At.Time
	}
	var b bytes.Buffer
	var err error
	switch {
	case p.help:
		return "Keys", strings.Split(helpText, "\n")
	case p.attack != "":
		title = "Attack " + control.Escape(p.attack)
		if a := m.attack(p.attack); a != nil {
			err = control.WriteAttack(&b, a, options)
		} else {
			b.WriteString("the daemon does not know it any more")
		}
	case p.err != nil:
		return "Why " + p.address.String(), []string{errorText(p.err)}
	case p.why == nil:
		return "Why " + p.address.String(), []string{asking}
	default:
		title = "Why " + p.address.String()
		err = control.WriteExplanation(&b, p.why, options)
	}
	if err != nil {
		return title, []string{errorText(err)}
	}
	return title, strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

func (m *Model) attack(id string) *control.Attack {
	if m.last.attacks == nil {
		return nil
	}
	for i := range m.last.attacks.Attacks {
		if a := &m.last.attacks.Attacks[i]; a.ID == id {
			return a
		}
	}
	return nil
}

// drawPage draws the page in at most height lines.
func (m *Model) drawPage(height int) []string {
	title, lines := m.text()
	room := max(height-1, 1)
	m.page.first = max(0, min(m.page.first, len(lines)-room))
	last := min(m.page.first+room, len(lines))
	title = " " + title + " "
	if len(lines) > room {
		title += fmt.Sprintf("(%d to %d of %d lines) ", m.page.first+1, last, len(lines))
	}
	return append([]string{m.look.chosen.Render(m.look.fit(title, m.width, false))}, lines[m.page.first:last]...)
}

// pageKey is a key while a page is open.
func (m *Model) pageKey(key string) tea.Cmd {
	step := max(1, m.height-8)
	switch key {
	case "esc", "w", "enter", "?", "backspace", "left", "h":
		m.page = nil
	case "down", "j":
		m.page.first++
	case "up", "k":
		m.page.first--
	case "pgdown", " ", "ctrl+f":
		m.page.first += step
	case "pgup", "ctrl+b":
		m.page.first -= step
	case "home", "g":
		m.page.first = 0
	case "end", "G":
		m.page.first = 1 << 20
	}
	return nil
}
