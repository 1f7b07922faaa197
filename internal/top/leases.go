package top

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"ebbgate/control"
	"ebbgate/policy"
)

var leaseOrders = []string{"service", "left", "held", "source"}

var leaseColumns = []column{
	{head: "WHAT", width: 7, grow: 13, whole: true},
	{head: "SOURCE", width: 15, grow: 43, whole: true},
	{head: "SERVICE", width: 8, grow: 20, rank: 2},
	{head: "LEFT", width: 6, right: true, rank: 1},
	{head: "HELD", width: 7, right: true, rank: 2},
	{head: "MAX", width: 6, right: true, rank: 2},
	{head: "SINCE", width: 8, rank: 4},
	{head: "STRIKES", width: 7, right: true, rank: 5},
	{head: "WHY", width: 10, grow: 70, rank: 3},
}

// lease is one thing in force against a source, or for it.
type lease struct {
	what    string
	style   *lipgloss.Style
	mode    policy.Mode
	source  control.Source
	since   control.Time
	why     string
	strikes int
}

func (m *Model) leaseRows(order int) []row {
	s, all := m.last.status, []lease(nil)
	for i := range s.Services {
		all = append(all, m.look.leasesOf(&s.Services[i])...)
	}
	for i := range s.Exempt {
		e := &s.Exempt[i]
		all = append(all, lease{what: "exempt", mode: policy.Enforce, style: &m.look.calm, since: e.Since, why: control.Escape(e.Reason),
			source: control.Source{Service: e.Service, Source: e.Prefix, Left: e.Left}})
	}
	slices.SortStableFunc(all, func(a, b lease) int { return compareLeases(leaseOrders[order], &a, &b) })
	rows := make([]row, 0, len(all))
	for i := range all {
		rows = append(rows, all[i].row(s.At))
	}
	return rows
}

func (l *look) leasesOf(svc *control.Service) []lease {
	all := make([]lease, 0, len(svc.Blocks)+len(svc.Limits))
	for i := range svc.Blocks {
		b := &svc.Blocks[i]
		all = append(all, lease{what: "block", style: &l.alarm, mode: b.Mode, since: b.Since, why: blockWhy(b), strikes: b.Strikes,
			source: control.Source{Service: svc.Name, Source: b.Source, Left: b.Left}})
	}
	for i := range svc.Limits {
		x := &svc.Limits[i]
		what, style := "limit", &l.care
		if x.Refusing {
			what, style = "refuse", &l.alarm
		}
		all = append(all, lease{what: what, style: style, mode: x.Mode, since: x.Since, why: control.ShortReason(x.Rule, x.Measured, x.Threshold),
			source: control.Source{Service: svc.Name, Source: x.Source, Held: x.Held, Max: x.Max, Left: x.LeaseLeft}})
	}
	return all
}

// blockWhy says why a source is blocked, and what who blocked it by hand had to say.
func blockWhy(b *control.Block) string {
	why := control.ShortReason(b.Rule, b.Measured, b.Threshold)
	if b.Reason != "" {
		why += ": " + control.Escape(b.Reason)
	}
	return why
}

func compareLeases(order string, a, b *lease) int {
	switch order {
	case "left":
		return cmp.Compare(lasts(a), lasts(b))
	case "held":
		return cmp.Compare(b.source.Held, a.source.Held)
	case "source":
		return a.source.Source.Addr().Compare(b.source.Source.Addr())
	}
	return 0
}

// lasts sorts what does not end behind everything that does.
func lasts(l *lease) control.Duration {
	if l.source.Left == 0 {
		return math.MaxInt64
	}
	return l.source.Left
}

func (l *lease) row(at control.Time) row {
	service, what := "all", l.what
	if l.source.Service != "" {
		service = control.Escape(l.source.Service)
	}
	if l.mode == policy.Shadow {
		what = "would " + what
	}
	return row{
		key: l.what + " " + l.source.Service + " " + l.source.Source.String(), service: l.source.Service, source: l.source.Source,
		words: strings.ToLower(service + " " + what + " " + l.why),
		cells: []cell{
			{text: what, style: l.style}, {text: control.SourceText(l.source.Source)}, {text: service}, {text: leftText(l.source.Left)},
			{text: orDash(l.source.Held, 7)}, {text: orDash(l.source.Max, 6)}, {text: control.Clock(at, l.since)}, {text: orDash(l.strikes, 7)}, {text: l.why},
		},
	}
}
