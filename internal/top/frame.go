package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const (
	// leastWidth and leastHeight are the least window in which everything has its place.
	leastWidth, leastHeight = 60, 15
	// fullHeight is from where on what is long may take a second line.
	fullHeight = 24
	// wide is from where on two parts stand beside each other.
	wide = 130
)

func (m *Model) small() bool { return m.width < leastWidth || m.height < leastHeight }

// View draws the whole window: as many lines as it has, none longer than it is wide.
func (m *Model) View() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	head, foot := m.header(), m.footer()
	body := m.body(max(0, m.height-len(head)-len(foot)))
	if m.failed != nil {
		for i := range body {
			body[i] = m.look.subtle.Render(ansi.Strip(body[i]))
		}
	}
	lines := append(append(head, body...), foot...)
	if len(lines) > m.height {
		lines = append(lines[:m.height-1:m.height-1], foot[len(foot)-1])
	}
	for i := range lines {
		lines[i] = m.look.clip(lines[i], m.width)
	}
	return strings.Join(lines, "\n")
}

// body is the pane, or the page that is open over it, in exactly height lines.
func (m *Model) body(height int) []string {
	var lines []string
	switch {
	case m.page != nil:
		lines = m.drawPage(height)
	case m.last.status != nil:
		lines = append([]string{m.tabs()}, m.drawPane(height-1)...)
	}
	lines = lines[:min(len(lines), height)]
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines
}

// tabs names the panes, the present one in brackets, and how it is sorted and filtered.
func (m *Model) tabs() string {
	l := m.look
	var parts []string
	for p := range panes {
		name := fmt.Sprintf("%d %s", p+1, p.title())
		if p == m.pane {
			parts = append(parts, l.chosen.Render("["+name+"]"))
			continue
		}
		parts = append(parts, " "+name+" ")
	}
	line := strings.Join(parts, "") + l.subtle.Render("  sort: ") + m.orders()[m.lists[m.pane].sort]
	if f := m.lists[m.pane].filter; f != "" || m.filtering {
		cursor := ""
		if m.filtering {
			cursor = "_"
		}
		line += l.subtle.Render("  find: ") + l.care.Render(string(f)+cursor)
	}
	return line
}

// drawPane draws the present pane in at most height lines.
func (m *Model) drawPane(height int) []string {
	rows, l := m.rows(), &m.lists[m.pane]
	if len(rows) == 0 {
		return []string{"", "  " + m.nothing()}
	}
	var columns []column
	room := height
	switch m.pane {
	case servicesPane:
		columns = serviceColumns
		room = m.servicesHeight(len(rows), height)
	case sourcesPane:
		columns = sourceColumns
	case attacksPane:
		columns = attackColumns
	case leasesPane:
		columns = leaseColumns
	}
	lines := m.more(rows, columns, room)
	if svc := m.service(rows[min(l.chosen, len(rows)-1)].service); m.pane == servicesPane && svc != nil && height-len(lines) > 1 {
		lines = append(lines, m.panel(svc, height-len(lines))...)
	}
	return lines
}

// more draws a table, and says in its last line what it has no room for.
func (m *Model) more(rows []row, columns []column, height int) []string {
	l := &m.lists[m.pane]
	shown := height - 1
	if len(rows) > shown {
		shown--
	}
	l.scroll(len(rows), shown)
	lines := m.look.table(columns, rows, l.first, l.chosen, m.width, shown+1)
	if last := l.first + shown; len(rows) > shown && shown > 0 {
		lines = append(lines, m.look.subtle.Render(fmt.Sprintf("  %d to %d of %s", l.first+1, min(last, len(rows)), m.total(len(rows)))))
	}
	return lines
}

// total says how many rows there are, and of sources how many there would be.
func (m *Model) total(rows int) string {
	if s := m.last.sources; m.pane == sourcesPane && s != nil && s.Total > len(s.Sources) {
		return fmt.Sprintf("%d (the daemon counts %d: narrow them by /)", rows, s.Total)
	}
	return fmt.Sprint(rows)
}

// servicesHeight divides the pane between the services and what is known of the chosen one.
func (m *Model) servicesHeight(rows, height int) int {
	if m.small() {
		return height
	}
	want := rows + 1
	return min(want, max(4, height/3))
}

// asking stands where an answer will.
const asking = "asking the daemon ..."

// nothing says why a pane is empty.
func (m *Model) nothing() string {
	if f := m.lists[m.pane].filter; f != "" {
		return "nothing matches " + string(f) + ": press / to change that, esc to show all"
	}
	switch m.pane {
	case sourcesPane:
		if m.last.sourcesErr != nil {
			return withoutAnswer("sources", m.last.sourcesErr)
		}
		if m.last.sources == nil {
			return asking
		}
		return "no source holds a connection"
	case attacksPane:
		if m.last.attacksErr != nil {
			return withoutAnswer("attacks", m.last.attacksErr)
		}
		if m.last.attacks == nil {
			return asking
		}
		return "no attack since the daemon began"
	case leasesPane:
		return "nobody is limited, blocked or exempt by hand"
	}
	return "no service is watched: the policy has none"
}
