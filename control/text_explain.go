package control

import (
	"fmt"
	"io"

	"ebbgate/policy"
)

// WriteExplanation renders what holds for an address as a short report for people. Ages and times
// left count from the moment of the explanation. The only error is w's.
func WriteExplanation(w io.Writer, e *Explanation, o TextOptions) error {
	p := newPage(o)
	p.put(plain, 2, fmt.Sprintf("%s  as of %s", Escape(e.Address.String()), at(e.At)))
	if e.Own {
		p.put(calm, 2, "this host's own address: over lo it is neither counted nor limited")
	}
	for _, why := range e.Exempt {
		p.put(calm, 2, "EXEMPT from every service: "+Escape(why))
	}
	if len(e.Services) == 0 {
		p.put(care, 0, "no service is watched")
	}
	for i := range e.Services {
		p.line(plain, "")
		p.explain(e, &e.Services[i])
	}
	return p.send(w, "explanation")
}

// explain writes one service: the verdict first, then what it rests on.
func (p *page) explain(e *Explanation, s *ServiceExplanation) {
	st, verdict := verdictOf(e, s)
	p.put(st, 4, fmt.Sprintf("%s  %s  %s", Escape(s.Service), s.Mode, verdict))
	say := func(st style, what, text string) { p.put(st, 15, "    "+pad(what, 11, false)+text) }
	for _, why := range s.Exempt {
		say(calm, "exempt", Escape(why))
	}
	say(plain, "counts for", countsFor(e, s))
	say(plain, "holds", holdsWords(e, s))
	say(plain, "opens", opensWords(s))
	if text := synsWords(s); text != "" {
		say(care, "SYNs", text)
	}
	for i := range s.Prefixes {
		x := &s.Prefixes[i]
		say(plain, "prefix", fmt.Sprintf("%s holds %s of %s allowed, by %s", SourceText(x.Prefix), Number(x.Held), Number(x.Max),
			Counted(x.Sources, "source", "sources")))
	}
	for i := range s.Limits {
		say(plain, "limited", limitedWords(e.At, &s.Limits[i]))
	}
	for i := range s.Blocks {
		say(plain, "blocked", blockedWords(e.At, &s.Blocks[i]))
	}
	if text := strikesWords(e, s); text != "" {
		say(plain, "strikes", text)
	}
	for _, next := range s.Next {
		say(plain, "next", Escape(next))
	}
}

// verdictOf says in a few words what a new connection of the address meets now.
func verdictOf(e *Explanation, s *ServiceExplanation) (style, string) {
	if len(e.Exempt) > 0 || len(s.Exempt) > 0 && !s.Partly {
		return calm, "EXEMPT: nothing is done to it"
	}
	if len(s.Blocks) > 0 {
		left := Duration(0)
		for i := range s.Blocks {
			left = max(left, s.Blocks[i].Left)
		}
		return byMode(s.Mode, "BLOCKED", "would be blocked", " for "+Length(left.std())+" more")
	}
	for i := range s.Limits {
		if s.Limits[i].Refusing {
			return byMode(s.Mode, "REFUSED", "would be refused", ": new connections are turned away now")
		}
	}
	if len(s.Limits) > 0 || s.Watched {
		return care, "free up to its limit, which is held exactly"
	}
	if s.Dropped {
		return byMode(s.Mode, "SLOWED", "would be slowed", ": SYNs beyond its rate are dropped")
	}
	if s.Due {
		return overWords(s.Mode)
	}
	return calm, "free"
}

// overWords are those of a source that nothing holds though it is at its limit or over it: it was freed since that was
// counted.
func overWords(m policy.Mode) (style, string) {
	const counted = "free until the next census: what it holds is enough for a limit"
	if m == policy.Shadow {
		return care, counted + " (shadow mode: every packet passes)"
	}
	return care, counted
}

func byMode(m policy.Mode, is, would, more string) (style, string) {
	if m == policy.Shadow {
		return care, would + more + " (shadow mode: every packet passes)"
	}
	return alarm, is + more
}

func countsFor(e *Explanation, s *ServiceExplanation) string {
	if s.Source.IsSingleIP() && s.Source.Addr() == e.Address {
		return "itself alone"
	}
	return SourceText(s.Source) + ", with all addresses in it"
}

func holdsWords(e *Explanation, s *ServiceExplanation) string {
	text := "not known: no census has been taken yet"
	if s.Known {
		text = fmt.Sprintf("%s, counted %s ago", Counted(s.Held, "connection", "connections"), ago(e.At, s.Counted))
	}
	if s.Max == 0 {
		return text + "; no limit"
	}
	return fmt.Sprintf("%s; %s allows %s", text, Escape(s.MaxRule), Number(s.Max))
}

func opensWords(s *ServiceExplanation) string {
	text := "not known: what ends is counted under suspicion only"
	if s.PerS != nil {
		text = PerSecond(*s.PerS) + " new connections"
	}
	if s.MaxRate == 0 {
		return text + "; no limit"
	}
	return fmt.Sprintf("%s; %s allows %s", text, Escape(s.RateRule), PerSecond(Rate(s.MaxRate)))
}

func synsWords(s *ServiceExplanation) string {
	if s.SYNsOver == 0 && !s.Dropped {
		return ""
	}
	text := Counted(s.SYNsOver, "SYN", "SYNs") + " beyond its rate came in its name, which anybody can forge"
	if s.Proven {
		text += "; it is a known client, so they are not dropped"
	}
	if s.Dropped {
		text += "; they are dropped now"
	}
	return text
}

func limitedWords(now Time, l *Limit) string {
	return fmt.Sprintf("%s: %s, held %s of %s, since %s (%s), lease %s; %s", SourceText(l.Source), action(l), Number(l.Held), Number(l.Max),
		Clock(now, l.Since), ago(now, l.Since), Length(l.LeaseLeft.std()), ReasonText(l.Rule, l.Measured, l.Threshold))
}

func blockedWords(now Time, b *Block) string {
	strike := ""
	if b.Strikes > 0 {
		strike = "strike " + Number(b.Strikes) + ", "
	}
	return fmt.Sprintf("%s: %ssince %s (%s), %s left; %s", SourceText(b.Source), strike,
		Clock(now, b.Since), ago(now, b.Since), Length(b.Left.std()), blockWhy(b))
}

func strikesWords(e *Explanation, s *ServiceExplanation) string {
	text := ""
	if s.Strikes > 0 {
		text = Counted(s.Strikes, "block is", "blocks are") + " remembered"
		if !s.Forgiven.IsZero() {
			text += ", one is forgiven in " + Length(s.Forgiven.Sub(e.At.Time))
		}
	}
	if s.NextFor > 0 {
		next := "the next block would last " + Length(s.NextFor.std())
		if text == "" {
			return "none; " + next
		}
		return text + "; " + next
	}
	return text
}
