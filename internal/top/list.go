package top

import (
	"net/netip"
)

// pane is one of the views between which tab changes.
type pane int

const (
	servicesPane pane = iota
	sourcesPane
	attacksPane
	leasesPane
	panes // how many there are
)

// row is one line of a pane and what it stands for.
type row struct {
	key     string       // the same in the next picture
	service string       // as the daemon names it; empty: none, or all
	source  netip.Prefix // invalid: it is of no source
	attack  string       // the ID of one; empty: it is none
	words   string       // what a filter may name, in lower case
	cells   []cell
}

// list is what is remembered of a pane while others are shown.
type list struct {
	key    string // of the chosen row
	chosen int
	first  int // shown
	sort   int
	filter filter
}

// rows are those of the present pane, filtered and sorted.
func (m *Model) rows() []row {
	if m.last.status == nil {
		return nil
	}
	var all []row
	switch l := &m.lists[m.pane]; m.pane {
	case servicesPane:
		all = m.serviceRows(l.sort)
	case sourcesPane:
		all = m.sourceRows(l.sort)
	case attacksPane:
		all = m.attackRows(l.sort)
	case leasesPane:
		all = m.leaseRows(l.sort)
	}
	f := m.lists[m.pane].filter
	kept := all[:0]
	for i := range all {
		if f.matches(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// settle finds the chosen row in a new picture; where it is gone, the one in its place is chosen. Until
// somebody has moved, it is the first.
func (m *Model) settle() {
	l := &m.lists[m.pane]
	rows := m.rows()
	for i := range rows {
		if l.key != "" && rows[i].key == l.key {
			l.chosen = i
			return
		}
	}
	l.chosen = max(0, min(l.chosen, len(rows)-1))
	if l.key != "" && len(rows) > 0 {
		l.key = rows[l.chosen].key
	}
}

// move chooses the row so many further down.
func (m *Model) move(by int) {
	l := &m.lists[m.pane]
	rows := m.rows()
	if len(rows) == 0 {
		return
	}
	l.chosen = max(0, min(l.chosen+by, len(rows)-1))
	l.key = rows[l.chosen].key
}

// selected is the chosen row; the zero row if there is none.
func (m *Model) selected() row {
	rows := m.rows()
	if i := m.lists[m.pane].chosen; i < len(rows) {
		return rows[i]
	}
	return row{}
}

// scroll makes the chosen row one of the height rows that are shown.
func (l *list) scroll(rows, height int) {
	height = max(height, 1)
	l.first = max(min(l.first, l.chosen), l.chosen-height+1)
	l.first = max(0, min(l.first, rows-height))
}

func (p pane) title() string {
	return [panes]string{"Services", "Sources", "Attacks", "In force"}[p]
}
