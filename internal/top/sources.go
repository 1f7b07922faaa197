package top

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ebbgate/control"
)

// sourceOrders are the orders of sources by the names they have here.
var sourceOrders = []struct {
	name string
	by   control.SourceOrder
}{{"held", control.ByHeld}, {"new", control.ByNew}, {"half-open", control.ByHalfOpen}, {"syns", control.BySYNs}}

var sourceColumns = []column{
	{head: "SOURCE", width: 15, grow: 43, whole: true},
	{head: "SERVICE", width: 8, grow: 20, rank: 3},
	{head: "STATE", width: 7, rank: 1},
	{head: "HELD", width: 7, right: true, rank: 1},
	{head: "MAX", width: 6, right: true, rank: 1},
	{head: "NEW/S", width: 6, right: true, rank: 2},
	{head: "LEFT", width: 6, right: true, rank: 2},
	{head: "HALF", width: 5, right: true, rank: 7},
	{head: "SYNS", width: 6, right: true, rank: 6},
	{head: "STRIKES", width: 7, right: true, rank: 8},
	{head: "WHY", width: 10, grow: 60, rank: 4},
}

// besideColumns are those of the heaviest sources beside or below a service.
var besideColumns = []column{sourceColumns[0], sourceColumns[2], sourceColumns[3], sourceColumns[4], sourceColumns[5], sourceColumns[6], sourceColumns[10]}

func (m *Model) sourceRows(order int) []row {
	if m.last.sources == nil {
		return nil
	}
	all := slices.Clone(m.last.sources.Sources)
	slices.SortStableFunc(all, func(a, b control.Source) int { return compareSources(sourceOrders[order].by, &a, &b) })
	rows := make([]row, 0, len(all))
	for i := range all {
		rows = append(rows, m.look.sourceRow(&all[i]))
	}
	return rows
}

func compareSources(by control.SourceOrder, a, b *control.Source) int {
	switch by {
	case control.ByNew:
		return cmp.Compare(perS(b), perS(a))
	case control.ByHalfOpen:
		return cmp.Compare(b.HalfOpen, a.HalfOpen)
	case control.BySYNs:
		return cmp.Compare(b.SYNsOver, a.SYNsOver)
	default:
		return cmp.Compare(b.Held, a.Held)
	}
}

// perS is what a source opens a second; -1: not counted now.
func perS(s *control.Source) int {
	if s.PerS == nil {
		return -1
	}
	return *s.PerS
}

func (l *look) sourceRow(s *control.Source) row {
	service, state := control.Escape(s.Service), control.Escape(string(s.State))
	per := "-"
	if s.PerS != nil {
		per = compact(float64(*s.PerS), 6)
	}
	return row{
		key: s.Service + " " + s.Source.String(), service: s.Service, source: s.Source, words: strings.ToLower(service + " " + state),
		cells: []cell{
			{text: control.SourceText(s.Source)}, {text: service}, {text: state, style: l.sourceStyle(s.State)}, {text: compact(float64(s.Held), 7)},
			{text: orDash(s.Max, 6)}, {text: per}, {text: leftText(s.Left)}, {text: orDash(s.HalfOpen, 5)},
			{text: orDash(int(min(s.SYNsOver, 1e15)), 6)}, {text: orDash(s.Strikes, 7)}, {text: control.ShortReason(s.Rule, s.Measured, s.Over)},
		},
	}
}

// heaviest are the rows of a service's sources, with the cells of besideColumns.
func (m *Model) heaviest(service string) []row {
	if m.last.sources == nil {
		return nil
	}
	var rows []row
	for i := range m.last.sources.Sources {
		if s := &m.last.sources.Sources[i]; s.Service == service {
			r := m.look.sourceRow(s)
			c := r.cells
			r.cells = []cell{c[0], c[2], c[3], c[4], c[5], c[6], c[10]}
			rows = append(rows, r)
		}
	}
	return rows
}

func (l *look) sourceStyle(s control.SourceState) *lipgloss.Style {
	switch s {
	case control.SourceBlocked, control.SourceRefused:
		return &l.alarm
	case control.SourceLimited, control.SourceWatched:
		return &l.care
	case control.SourceExempt:
		return &l.calm
	}
	return nil
}

// orDash writes a count; of nothing a dash.
func orDash(n, width int) string {
	if n == 0 {
		return "-"
	}
	return compact(float64(n), width)
}

// leftText writes the time that is left; a dash where nothing ends.
func leftText(d control.Duration) string {
	if d == 0 {
		return "-"
	}
	return control.Length(time.Duration(d).Truncate(time.Second))
}
