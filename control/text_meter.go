package control

import (
	"fmt"
	"strings"
)

// textMetered is how many sources of a meter are named to people.
const textMetered = 4

// meters writes what the meters of a service show, if they run.
func (p *page) meters(s *Service) {
	if e := s.Endings; e != nil && e.PerS > 0 {
		var top []string
		for _, t := range e.Top[:min(len(e.Top), textMetered)] {
			top = append(top, fmt.Sprintf("%s %s", SourceText(t.Source), PerSecond(t.PerS)))
		}
		least := ""
		if !e.Complete {
			least = "at least "
		}
		p.put(plain, 6, fmt.Sprintf("    connections end at %s%s: %s", least, PerSecond(e.PerS), naming(top, e.Sources)))
	}
	if m := s.SYNs; m != nil {
		st, words := synWords(m)
		p.put(st, 6, "    "+words)
	}
}

// synWords never says that a source sent anything: whoever forges its address did as well.
func synWords(m *SYNMeter) (style, string) {
	text := "SYNs come at " + PerSecond(m.PerS)
	switch {
	case m.UnmeteredPerS > 0:
		return care, fmt.Sprintf("%s from more addresses than there can be clients: they are forged, and nobody is to blame by address", text)
	case m.Sources == 0:
		return plain, fmt.Sprintf("%s, no source above %s", text, PerSecond(Rate(m.Max)))
	}
	var top []string
	for _, t := range m.Top[:min(len(m.Top), textMetered)] {
		top = append(top, SourceText(t.Source)+proof(t, m.ProvenFull))
	}
	more := ""
	if m.UnlistedPerS > 0 {
		more = ", and more than can be listed"
	}
	return care, fmt.Sprintf("%s, %s of them above %s a source%s: %s", text, PerSecond(m.OverPerS), PerSecond(Rate(m.Max)), more, naming(top, m.Sources))
}

// proof says whether the address is known to exist, if that can be told.
func proof(f Flooder, full bool) string {
	if full {
		return ""
	}
	if f.Proven {
		return " (a known client, perhaps forged)"
	}
	return " (unproven)"
}

// naming lists the first of so many sources.
func naming(first []string, all int) string {
	text := strings.Join(first, ", ")
	if more := all - len(first); more > 0 {
		text += fmt.Sprintf(" and %s more", Number(more))
	}
	return text
}
