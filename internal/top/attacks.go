package top

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

var attackOrders = []string{"newest", "peak", "blocked"}

var attackColumns = []column{
	{head: "ID", width: 4, right: true, rank: 5},
	{head: "SERVICE", width: 8, grow: 20, rank: 1},
	{head: "KIND", width: 17},
	{head: "STATE", width: 5, rank: 1},
	{head: "SINCE", width: 8, grow: 16, rank: 2},
	{head: "FOR", width: 6, right: true, rank: 1},
	{head: "PEAK", width: 7, right: true, rank: 3},
	{head: "SOURCES", width: 7, right: true, rank: 6},
	{head: "CLOSED", width: 7, right: true, rank: 4},
	{head: "BLOCKED", width: 7, right: true, rank: 4},
	{head: "EVIDENCE", width: 12, grow: 90, rank: 7},
}

func (m *Model) attackRows(order int) []row {
	at, all := m.last.status.At, []control.Attack(nil)
	if m.last.attacks != nil {
		at, all = m.last.attacks.At, slices.Clone(m.last.attacks.Attacks)
	}
	slices.SortStableFunc(all, func(a, b control.Attack) int { return compareAttacks(attackOrders[order], &a, &b) })
	rows := make([]row, 0, len(all))
	for i := range all {
		rows = append(rows, m.look.attackRow(at, &all[i]))
	}
	return rows
}

// compareAttacks has the open ones first, whatever the order.
func compareAttacks(order string, a, b *control.Attack) int {
	if a.Ended.IsZero() != b.Ended.IsZero() {
		if a.Ended.IsZero() {
			return -1
		}
		return 1
	}
	switch order {
	case "peak":
		return cmp.Compare(b.PeakHeld, a.PeakHeld)
	case "blocked":
		return cmp.Compare(b.Blocked, a.Blocked)
	default:
		return b.Since.Compare(a.Since.Time)
	}
}

func (l *look) attackRow(at control.Time, a *control.Attack) row {
	state, end, style := "OPEN", at, &l.alarm
	if a.Kind == policy.SlowApplication {
		style = &l.care
	}
	if !a.Ended.IsZero() {
		state, end, style = "ended", a.Ended, nil
	}
	service, kind := control.Escape(a.Service), control.Escape(string(a.Kind))
	return row{
		key: a.ID, service: a.Service, attack: a.ID, words: strings.ToLower(strings.Join([]string{service, kind, state}, " ")),
		cells: []cell{
			{text: control.Escape(a.ID)}, {text: service}, {text: kind, style: style}, {text: state, style: style}, {text: control.Clock(at, a.Since)},
			{text: control.Length(end.Sub(a.Since.Time).Truncate(time.Second))}, {text: compact(float64(a.PeakHeld), 7)}, {text: compact(float64(a.PeakSources), 7)},
			{text: compact(float64(a.Excess), 7)}, {text: compact(float64(a.Blocked), 7)}, {text: control.Escape(a.Evidence)},
		},
	}
}
