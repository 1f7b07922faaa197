package top

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

// keys takes what was read at once: over a slow line that is several keys. What follows one that asks a
// question was typed before the question could be read, and is no answer.
func (m *Model) keys(k tea.KeyMsg) tea.Cmd {
	if k.Paste && !m.filtering {
		return nil // what slipped into the window is no order
	}
	if k.Type != tea.KeyRunes || k.Paste {
		return m.key(k)
	}
	asked, cmds := m.order != nil, make([]tea.Cmd, 0, len(k.Runes))
	for _, r := range k.Runes {
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: k.Alt}))
		if m.order != nil && !asked {
			break
		}
	}
	return tea.Batch(cmds...)
}

// key is one key. What asks a question has it first, then the filter, then the page.
func (m *Model) key(k tea.KeyMsg) tea.Cmd {
	key := k.String()
	if key == "ctrl+c" {
		return tea.Quit
	}
	if key == "ctrl+z" {
		return tea.Suspend
	}
	m.say("", false)
	switch {
	case m.order != nil:
		return m.orderKey(key)
	case m.filtering:
		return m.filterKey(k)
	case key == "q":
		return tea.Quit
	case m.page != nil:
		return m.pageKey(key)
	}
	if m.moved(key) {
		return m.looksElsewhere()
	}
	return m.paneKey(key)
}

// moved reports whether the key moved the choice.
func (m *Model) moved(key string) bool {
	step := max(1, m.height/2)
	switch key {
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup", "ctrl+b":
		m.move(-step)
	case "pgdown", "ctrl+f", " ":
		m.move(step)
	case "home", "g":
		m.move(-1 << 20)
	case "end", "G":
		m.move(1 << 20)
	default:
		return false
	}
	return true
}

// looksElsewhere asks anew where another choice needs other answers.
func (m *Model) looksElsewhere() tea.Cmd {
	if m.pane == servicesPane {
		return m.soon()
	}
	return nil
}

func (m *Model) paneKey(key string) tea.Cmd {
	switch key {
	case "tab", "right", "l":
		return m.show((m.pane + 1) % panes)
	case "shift+tab", "left", "h":
		return m.show((m.pane + panes - 1) % panes)
	case "1", "2", "3", "4":
		return m.show(pane(key[0] - '1'))
	case "s":
		l := &m.lists[m.pane]
		l.sort, l.key, l.chosen = (l.sort+1)%len(m.orders()), "", 0
		return m.soon()
	case "/":
		m.filtering = true
	case "esc":
		return m.setFilter("")
	case "p":
		m.paused = !m.paused
		return m.soon()
	case "?":
		m.page = &page{help: true}
	case "enter":
		return m.enter()
	case "w":
		return m.explain(m.selected())
	case "b", "u", "e", "m":
		m.begin(key)
	}
	return nil
}

// orders are the names of the present pane's orders.
func (m *Model) orders() []string {
	switch m.pane {
	case sourcesPane:
		names := make([]string, len(sourceOrders))
		for i := range sourceOrders {
			names[i] = sourceOrders[i].name
		}
		return names
	case attacksPane:
		return attackOrders
	case leasesPane:
		return leaseOrders
	}
	return serviceOrders
}

func (m *Model) show(p pane) tea.Cmd {
	m.pane = p
	m.settle()
	return m.soon()
}

// enter goes deeper: from a service to its sources, from an attack to its story, from an address to why.
func (m *Model) enter() tea.Cmd {
	r := m.selected()
	switch {
	case m.pane == servicesPane && r.service != "":
		m.pane = sourcesPane
		return m.setFilter(filter(r.cells[0].text))
	case r.attack != "":
		m.page = &page{attack: r.attack}
		return nil
	}
	return m.explain(r)
}

func (m *Model) explain(r row) tea.Cmd {
	if !r.source.IsValid() {
		m.say(fmt.Sprintf("choose an address first: they are under %d %s and %d %s", sourcesPane+1, sourcesPane.title(), leasesPane+1, leasesPane.title()), true)
		return nil
	}
	m.page = &page{address: r.source.Addr()}
	return m.soon()
}

func (m *Model) filterKey(k tea.KeyMsg) tea.Cmd {
	f := m.lists[m.pane].filter
	switch k.Type {
	case tea.KeyEnter, tea.KeyTab:
		m.filtering = false
		return nil
	case tea.KeyEsc:
		m.filtering = false
		return m.setFilter("")
	case tea.KeyBackspace:
		return m.setFilter(f.shorter())
	case tea.KeyCtrlU:
		return m.setFilter("")
	case tea.KeyRunes, tea.KeySpace:
		return m.setFilter(f.typed(k.Runes))
	}
	return nil
}

// setFilter changes the filter of the present pane and chooses the first row that matches.
func (m *Model) setFilter(f filter) tea.Cmd {
	m.lists[m.pane] = list{sort: m.lists[m.pane].sort, filter: f}
	return m.soon()
}
