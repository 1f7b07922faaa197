package control

import (
	"fmt"
	"io"
	"strings"

	"ebbgate/policy"
)

// WriteSources renders sources as a table for people, below what they come to. The only error is w's.
func WriteSources(w io.Writer, s *Sources, o TextOptions) error {
	p := newPage(o)
	p.put(plain, 2, sourcesSum(s))
	if !s.Counted.IsZero() && !s.Complete {
		p.put(care, 2, "the newest census has not seen every connection: what is held is a lower bound, and who is missing may hold some")
	}
	if s.Rest.Sources > 0 {
		p.put(care, 2, fmt.Sprintf("beyond observe.max_sources %s not listed: %s held", Counted(s.Rest.Sources, "source is", "sources are"),
			Counted(s.Rest.Held, "connection", "connections")))
	}
	if len(s.Sources) > 0 {
		p.line(plain, "")
		p.sources(s.Sources)
	}
	if more := s.Total - len(s.Sources); more > 0 {
		p.put(subtle, 0, fmt.Sprintf("and %s more: -n shows more of them; --service, --state and --within narrow them", Number(more)))
	}
	return p.send(w, "sources")
}

// sourcesSum says what all that match come to.
func sourcesSum(s *Sources) string {
	var parts []string
	all, would := &s.States, &s.Shadow
	for _, x := range []struct {
		n, would int
		what     string
	}{{all.Blocked, would.Blocked, "blocked"}, {all.Refused, would.Refused, "refused"}, {all.Limited, would.Limited, "limited"},
		{all.Watched, would.Watched, "watched"}, {all.Exempt, 0, "exempt"}} {
		if x.n > x.would {
			parts = append(parts, Number(x.n-x.would)+" "+x.what)
		}
		if x.would > 0 {
			parts = append(parts, Number(x.would)+" would be "+x.what)
		}
	}
	held := fmt.Sprintf("%s %s, counted %s ago", Counted(s.Total, "source holds", "sources hold"), Counted(s.Held, "connection", "connections"), ago(s.At, s.Counted))
	if s.Counted.IsZero() {
		held = "no census has been taken yet: nothing tells what is held"
		if s.Total > 0 {
			held += "; something is known of " + Counted(s.Total, "source", "sources")
		}
	}
	if len(parts) == 0 {
		return held
	}
	return held + "; " + strings.Join(parts, ", ")
}

// sources writes the table.
func (p *page) sources(list []Source) {
	rows, styles := [][]string{{"SOURCE", "SERVICE", "HELD/MAX", "NEW/S", "STATE, TIME LEFT, WHY"}}, []style{subtle}
	for i := range list {
		s := &list[i]
		st, state := stateText(s)
		rows, styles = append(rows, []string{SourceText(s.Source), Escape(s.Service), heldText(s), newText(s), state}), append(styles, st)
	}
	p.styled(0, rows, styles, 2, 3)
}

// heldText writes what a source holds and what it may hold: "?" is not known, and "-" no limit.
func heldText(s *Source) string {
	held, most := "?", "-"
	if s.Known {
		held = Number(s.Held)
	}
	if s.Max > 0 {
		most = Number(s.Max)
	}
	return held + "/" + most
}

func newText(s *Source) string {
	if s.PerS == nil {
		return "-"
	}
	return Number(*s.PerS)
}

// stateText says what holds for a source, for how long and why.
func stateText(s *Source) (style, string) {
	st, word := stateStyle(s.State), string(s.State)
	if s.Mode == policy.Shadow && st != plain && s.State != SourceExempt {
		st, word = care, "would be "+word
	}
	text := Escape(word)
	if s.Left > 0 {
		text += " " + Length(s.Left.std())
	}
	if s.Strikes > 0 {
		text += ", " + Counted(s.Strikes, "strike", "strikes")
	}
	if s.HalfOpen > 0 {
		text += ", " + Number(s.HalfOpen) + " half-open"
	}
	if s.SYNsOver > 0 {
		text += ", " + Counted(s.SYNsOver, "SYN", "SYNs") + " over"
	}
	if s.Dropped && s.Mode == policy.Shadow {
		text += ", which would be dropped"
	} else if s.Dropped {
		text += ", which are dropped"
	}
	if s.Rule != "" {
		text += ": " + ShortReason(s.Rule, s.Measured, s.Over)
	}
	return st, text
}

func stateStyle(s SourceState) style {
	switch s {
	case SourceExempt:
		return calm
	case SourceBlocked, SourceRefused:
		return alarm
	case SourceLimited, SourceWatched:
		return care
	default:
		return plain
	}
}
