package top

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"ebbgate/control"
	"ebbgate/policy"
)

// serviceOrders are the orders of services by their names; the first is how the view begins.
var serviceOrders = []string{"attack", "held", "new", "syns", "name"}

var serviceColumns = []column{
	{head: "SERVICE", width: 9, grow: 32},
	{head: "MODE", width: 7, rank: 3},
	{head: "STATE", width: 6, rank: 1},
	{head: "SERVED", width: 6, rank: 1},
	{head: "CONNECTIONS", width: 11, grow: 15, whole: true, right: true, rank: 2},
	{head: "LOAD", width: 4, grow: 16, rank: 6},
	{head: "SOURCES", width: 7, right: true, rank: 8},
	{head: "QUEUE", width: 8, grow: 11, whole: true, right: true, rank: 4},
	{head: "NEW/S", width: 6, right: true, rank: 6},
	{head: "", width: 16, grow: 60, rank: 10},
	{head: "SYN/S", width: 6, right: true, rank: 7},
	{head: "", width: 16, grow: 60, rank: 11},
	{head: "LIMITED", width: 7, right: true, rank: 5},
	{head: "BLOCKED", width: 7, right: true, rank: 5},
}

func (m *Model) serviceRows(order int) []row {
	s := m.last.status
	all := make([]*control.Service, len(s.Services))
	for i := range s.Services {
		all[i] = &s.Services[i]
	}
	slices.SortStableFunc(all, func(a, b *control.Service) int { return compareServices(serviceOrders[order], a, b) })
	rows := make([]row, 0, len(all))
	for _, svc := range all {
		rows = append(rows, m.serviceRow(svc))
	}
	return rows
}

func compareServices(order string, a, b *control.Service) int {
	switch order {
	case "held":
		return cmp.Compare(b.Held, a.Held)
	case "new":
		return compareKnown(opened(b), opened(a))
	case "syns":
		return compareKnown(syns(b), syns(a))
	case "name":
		return cmp.Compare(a.Name, b.Name)
	default:
		return cmp.Compare(urgency(b), urgency(a))
	}
}

// compareKnown sorts what was not counted below everything else.
func compareKnown(a, b float64) int {
	known := func(v float64) float64 {
		if math.IsNaN(v) {
			return -1
		}
		return v
	}
	return cmp.Compare(known(a), known(b))
}

// urgency sorts the attacked before the slow, and those that turn clients away before both.
func urgency(s *control.Service) int {
	n := 0
	switch condition(s) {
	case "ATTACK":
		n = 2
	case "SLOW":
		n = 1
	}
	if served(s) != "yes" && served(s) != "?" {
		n += 2
	}
	return n
}

func (m *Model) serviceRow(s *control.Service) row {
	l, t := m.look, m.history.of(s.Name)
	name, state, in := control.Escape(s.Name), condition(s), served(s)
	held := compact(float64(s.Held), 7)
	if s.Capacity > 0 {
		held += "/" + compact(float64(s.Capacity), 7)
	}
	graph := func(s series) func(int) string { return func(w int) string { return l.spark(s, w) } }
	return row{
		key: s.Name, service: s.Name, words: strings.ToLower(strings.Join([]string{name, s.Mode.String(), state, control.Escape(s.Ports)}, " ")),
		cells: []cell{
			{text: name}, {text: s.Mode.String(), style: l.modeStyle(s.Mode)}, {text: state, style: l.stateStyle(state)}, {text: in, style: l.servedStyle(in)},
			{text: held}, {draw: func(w int) string { return l.bar(s.Held, s.Capacity, w) }}, {text: compact(float64(s.Sources), 7)}, {text: queueText(s), style: l.servedStyle(in)},
			{text: compact(opened(s), 6)}, {draw: graph(t.opened)}, {text: compact(syns(s), 6)}, {draw: graph(t.syns)},
			{text: compact(float64(s.LimitsTotal), 7)}, {text: compact(float64(s.BlocksTotal), 7)},
		},
	}
}

// condition is a service's state in a word.
func condition(s *control.Service) string {
	word := "peace"
	for i := range s.Attacks {
		if s.Attacks[i].Kind != policy.SlowApplication {
			return "ATTACK"
		}
		word = "SLOW"
	}
	return word
}

// served says in a word whether clients get into the service, as far as its accept queues and its capacity
// tell.
func served(s *control.Service) string {
	full, filling := 0, 0
	for i := range s.Listeners {
		switch l := &s.Listeners[i]; {
		case l.Queue > l.Backlog:
			full++
		case l.Queue > 0 && l.Queue >= l.Backlog/2:
			filling++
		}
	}
	switch {
	case full > 0 && full == len(s.Listeners):
		return "NO"
	case full > 0:
		return "PARTLY"
	case s.Capacity > 0 && s.Held >= s.Capacity:
		return "FULL"
	case filling > 0:
		return "waits"
	case len(s.Listeners) == 0:
		return "?"
	}
	return "yes"
}

// fullest is the listener whose accept queue is fullest; nil: there is none.
func fullest(s *control.Service) *control.Listener {
	var most *control.Listener
	for i := range s.Listeners {
		l := &s.Listeners[i]
		if most == nil || uint64(l.Queue)*(uint64(most.Backlog)+1) > uint64(most.Queue)*(uint64(l.Backlog)+1) {
			most = l
		}
	}
	return most
}

func queueText(s *control.Service) string {
	l := fullest(s)
	if l == nil {
		return "-"
	}
	return fmt.Sprintf("%s/%s", compact(float64(l.Queue), 5), compact(float64(l.Backlog), 5))
}

func (l *look) stateStyle(state string) *lipgloss.Style {
	switch state {
	case "ATTACK":
		return &l.alarm
	case "SLOW":
		return &l.care
	}
	return &l.calm
}

func (l *look) servedStyle(word string) *lipgloss.Style {
	switch word {
	case "NO", "PARTLY", "FULL":
		return &l.alarm
	case "waits":
		return &l.care
	}
	return nil
}

func (l *look) modeStyle(m policy.Mode) *lipgloss.Style {
	if m == policy.Shadow {
		return &l.care
	}
	return nil
}
