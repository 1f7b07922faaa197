package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// textLimits is how many limits of a service are shown to people.
const textLimits = 10

// service writes one service: its line, what it holds, its queues, its attacks, its limits and blocks.
func (p *page) service(all *Status, s *Service) {
	st, word := condition(s.Attacks)
	p.put(st, 4, fmt.Sprintf("%s  %s  %s  ports %s%s%s", Escape(s.Name), word, s.Mode, Escape(s.Ports), onAddresses(s), passedOn(s)))
	p.put(plain, 6, "    "+holding(s))
	for i := range s.Listeners {
		p.queue(&s.Listeners[i])
	}
	p.meters(s)
	for i := range s.Attacks {
		p.attack(all, s, &s.Attacks[i])
	}
	if s.Offender != nil {
		p.put(care, 6, "    "+OffenderWords(s.Offender))
	}
	if done := SoFar(s); done != "" {
		p.put(plain, 6, "    "+done)
	}
	p.limits(all.At, s)
	p.blocks(all.At, s)
}

// condition says in a word how a service is. An application that is merely slow is not attacked.
func condition(attacks []Attack) (style, string) {
	st, word := calm, "peace"
	for i := range attacks {
		if attacks[i].Kind != policy.SlowApplication {
			return alarm, "ATTACK"
		}
		st, word = care, "SLOW"
	}
	return st, word
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
	held := Counted(s.Held, "connection", "connections")
	if s.Capacity > 0 {
		held = fmt.Sprintf("%s of %s connections (%d %%)", Number(s.Held), Number(s.Capacity), s.Held*100/s.Capacity)
	}
	unread := ""
	if s.Unread > 0 {
		unread = fmt.Sprintf(", %s left open by the application (CLOSE_WAIT)", Number(s.Unread))
	}
	return fmt.Sprintf("%s held by %s%s, %s half-open, %s", held,
		Counted(s.Sources, "source", "sources"), unread, Number(s.HalfOpen), LimitWords(s))
}

// OffenderWords says which exempt source fills a service.
func OffenderWords(o *Offender) string {
	return fmt.Sprintf("exempt %s holds %s, others may hold %s: nothing is done about it", SourceText(o.Source), Number(o.Measured), Number(o.Threshold))
}

// LimitWords says what one source may do at a service.
func LimitWords(s *Service) string {
	if s.NewPerSource == 0 && s.SYNPerSource == 0 {
		if s.PerSource == 0 {
			return "no limit per source"
		}
		return "limit " + Number(s.PerSource) + " a source"
	}
	var may []string
	if s.PerSource > 0 {
		may = append(may, Number(s.PerSource)+" held")
	}
	if s.NewPerSource > 0 {
		may = append(may, PerSecond(Rate(s.NewPerSource))+" new")
	}
	if s.SYNPerSource > 0 {
		may = append(may, PerSecond(Rate(s.SYNPerSource))+" SYNs")
	}
	return "limits a source: " + strings.Join(may, ", ")
}

// SoFar says what was done for a service since the daemon began, or since when its mode changed; empty: nothing. In shadow mode nothing was, for the
// kernel counts and passes, and it says what would have been.
func SoFar(s *Service) string {
	var done []string
	add := func(n uint64, verb, one, many string) {
		if n > 0 {
			done = append(done, verb+" "+Counted(n, one, many))
		}
	}
	add(s.RefusedPackets, "refused", "packet", "packets")
	add(s.BlockedPackets, "turned away", "packet of blocked sources", "packets of blocked sources")
	add(s.DroppedPackets, "dropped", "SYN", "SYNs")
	add(s.ProxiedPackets, "answered", "SYN by SYNPROXY", "SYNs by SYNPROXY")
	add(s.ClosedConnections, "closed", "connection", "connections")
	add(s.BlocksBegun, "blocked", "source", "sources")
	when := "so far"
	if !s.CountedSince.IsZero() {
		when = "since " + stamp(s.CountedSince)
	}
	switch {
	case len(done) == 0:
		return ""
	case s.Mode == policy.Shadow:
		return "would have " + strings.Join(done, ", ") + " " + when + " (shadow mode only watches)"
	}
	return "has " + strings.Join(done, ", ") + " " + when
}

func (p *page) queue(l *Listener) {
	st, word := plain, ""
	switch {
	case l.Queue > l.Backlog:
		st, word = alarm, "  FULL: the kernel drops new connections"
	case l.Queue > 0 && l.Queue >= l.Backlog/2:
		st, word = care, "  filling"
	}
	unit := ""
	if l.Unit != "" {
		unit = " of " + Escape(l.Unit)
	}
	p.put(st, 6, fmt.Sprintf("    %s  accept queue%s %s of %s%s", Escape(l.Local.String()), unit,
		Number(int(l.Queue)), Number(int(l.Backlog)), word))
}

// limits writes the heaviest limits as a table.
func (p *page) limits(now Time, s *Service) {
	if len(s.Limits) == 0 {
		return
	}
	shown := s.Limits[:min(len(s.Limits), textLimits)]
	rows := [][]string{{"LIMITED", "HELD", "MAX", "NOW", "FOR", "LEASE", "WHY (COUNT OF ALLOWED, RULE)"}}
	for i := range shown {
		rows = append(rows, limitRow(now, &shown[i]))
	}
	p.sparing(4, rows, []int{4}, 1, 2)
	if more := max(s.LimitsTotal, len(s.Limits)) - len(shown); more > 0 {
		p.put(subtle, 6, fmt.Sprintf("    and %s more: ebbgate sources --all --service %s", Number(more), Escape(s.Name)))
	}
}

func limitRow(now Time, l *Limit) []string {
	return []string{
		SourceText(l.Source), Number(l.Held), Number(l.Max), action(l), ago(now, l.Since), Length(l.LeaseLeft.std()),
		ShortReason(l.Rule, l.Measured, l.Threshold),
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
