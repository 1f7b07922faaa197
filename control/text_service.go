package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// textLimits is how many limits of a service are shown to people.
const textLimits = 10

// service writes one service: its line, what it holds, its queues, its attack, its limits.
func (p *page) service(now Time, s *Service) {
	st, word := calm, "peace"
	if s.Attack != nil {
		st, word = alarm, "ATTACK"
	}
	p.put(st, 4, fmt.Sprintf("%s  %s  %s  ports %s%s%s", Escape(s.Name), word, s.Mode, Escape(s.Ports), onAddresses(s), passedOn(s)))
	p.put(plain, 6, "    "+holding(s))
	for _, l := range s.Listeners {
		p.queue(l)
	}
	p.meters(s)
	if s.Attack != nil {
		p.attack(now, s)
	}
	if done := sinceStart(s); done != "" {
		p.put(plain, 6, "    "+done+" since the daemon started")
	}
	p.limits(now, s)
}

func onAddresses(s *Service) string {
	if len(s.Addresses) == 0 {
		return ""
	}
	texts := make([]string, len(s.Addresses))
	for i, a := range s.Addresses {
		texts[i] = Escape(a.String())
	}
	return "  on " + strings.Join(texts, ", ")
}

// passedOn names traffic that is not the ordinary kind.
func passedOn(s *Service) string {
	switch s.Traffic {
	case policy.Forwarded:
		return "  forwarded"
	case policy.Both:
		return "  local and forwarded"
	}
	return ""
}

func holding(s *Service) string {
	limit := "no limit per source"
	if s.PerSource > 0 {
		limit = "limit " + number(s.PerSource) + " a source"
	}
	held := counted(s.Held, "connection", "connections")
	if s.Capacity > 0 {
		held = fmt.Sprintf("%s of %s connections (%d %%)", number(s.Held), number(s.Capacity), s.Held*100/s.Capacity)
	}
	return fmt.Sprintf("%s held by %s, %s half-open, %s", held,
		counted(s.Sources, "source", "sources"), number(s.HalfOpen), limit)
}

// sinceStart says in shadow mode that nothing was refused: the kernel counts and passes.
func sinceStart(s *Service) string {
	var done []string
	if s.RefusedPackets > 0 {
		word := "refused"
		if s.Mode == policy.Shadow {
			word = "would have been refused"
		}
		done = append(done, counted(s.RefusedPackets, "packet ", "packets ")+word)
	}
	if s.ClosedConnections > 0 {
		done = append(done, counted(s.ClosedConnections, "connection", "connections")+" closed")
	}
	return strings.Join(done, ", ")
}

func (p *page) queue(l Listener) {
	st, word := plain, ""
	switch {
	case l.Queue > l.Backlog:
		st, word = alarm, "  FULL: the kernel drops new connections"
	case l.Queue > 0 && l.Queue >= l.Backlog/2:
		st, word = care, "  filling"
	}
	p.put(st, 6, fmt.Sprintf("    %s  accept queue %s of %s%s", Escape(l.Local.String()),
		number(int(l.Queue)), number(int(l.Backlog)), word))
}

func (p *page) attack(now Time, s *Service) {
	a := s.Attack
	rule := "no rule in the kernel yet"
	switch {
	case !a.FirstRule.IsZero() && !a.Since.IsZero():
		rule = "rules in the kernel since " + clock(now, a.FirstRule)
	case s.Mode == policy.Shadow:
		rule = "no rule: shadow mode only watches"
	}
	p.put(alarm, 6, fmt.Sprintf("    %s %s since %s (%s), peak %s held by %s, %s", Escape(a.Kind), Escape(a.ID),
		clock(now, a.Since), ago(now, a.Since), number(a.PeakHeld), counted(a.PeakSources, "source", "sources"), rule))
}

// limits writes the heaviest limits as a table.
func (p *page) limits(now Time, s *Service) {
	if len(s.Limits) == 0 {
		return
	}
	shown := s.Limits[:min(len(s.Limits), textLimits)]
	rows := [][]string{{"SOURCE", "HELD", "MAX", "NOW", "FOR", "LEASE", "WHY (COUNT OF ALLOWED, RULE)"}}
	for i := range shown {
		rows = append(rows, limitRow(now, &shown[i]))
	}
	p.table(rows)
	if more := max(s.LimitsTotal, len(s.Limits)) - len(shown); more > 0 {
		p.put(subtle, 6, fmt.Sprintf("    and %s more; ebbgate status --json has the %d heaviest", number(more), MaxLimits))
	}
}

func limitRow(now Time, l *Limit) []string {
	return []string{
		sourceText(l.Source), number(l.Held), number(l.Max), action(l), ago(now, l.Since), length(l.LeaseLeft.std()),
		fmt.Sprintf("%s of %s, %s", number(l.Measured), number(l.Threshold), Escape(l.Rule)),
	}
}

// action says what the limit does to a new connection of the source.
func action(l *Limit) string {
	switch {
	case l.Mode == policy.Shadow && l.Refusing:
		return "would refuse"
	case l.Mode == policy.Shadow:
		return "would hold"
	case l.Refusing:
		return "refusing"
	default:
		return "holding"
	}
}

// table writes rows whose second and third columns are numbers; the last column may wrap.
func (p *page) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		b.WriteString("    ")
		for i, cell := range row[:len(row)-1] {
			b.WriteString(pad(cell, widths[i], i == 1 || i == 2))
			b.WriteString("  ")
		}
		b.WriteString(row[len(row)-1])
		st := plain
		if n == 0 {
			st = subtle
		}
		p.put(st, 8, b.String())
	}
}
