package suggest

import (
	"fmt"
	"strings"

	"ebbgate/internal/escape"
)

// note adds a sentence, of maxNotes the last one says that there are more.
func (p *Proposal) note(format string, args ...any) {
	switch {
	case len(p.Notes) < maxNotes-1:
		p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
	case len(p.Notes) == maxNotes-1:
		p.Notes = append(p.Notes, "There is more to know than can be listed here.")
	}
}

// Note adds a sentence to those that say what to know before trusting the figures. It is to be called
// before Render. Beyond maxNotes there are no more.
func (p *Proposal) Note(text string) {
	p.note("%s", escape.Terminal(text))
}

// notes says what makes the figures less than normal, or less than all.
func (c *Collector) notes(p *Proposal) {
	for _, s := range c.services {
		if s.underway || s.everAttacked {
			p.Attack = true
			p.note("An attack on service %q was open %s. Figures from an attack are not normal. Watch again when it is over.",
				s.policy.Name, s.attackWords())
		}
	}
	if c.seen.cookies > 0 {
		p.Attack = true
		p.note("%d SYN cookies were sent, so some listener's SYN queue was full: a SYN flood, or a backlog too small (see ebbgate audit). Figures from an attack are not normal.",
			c.seen.cookies)
	}
	if c.seen.overflows > 0 {
		p.note("Accept queues overflowed %d times: an application did not keep up, and clients held more connections than they would.", c.seen.overflows)
	}
	if c.seen.incomplete > 0 {
		p.note("%d of %d censuses were not complete, and do not count.", c.seen.incomplete, c.seen.incomplete+c.seen.censuses)
	}
	for _, f := range c.seen.faults {
		p.note("Not everything could be watched (%s): %s.", escape.Terminal(f.Part), escape.Terminal(strings.TrimSuffix(f.Text, ".")))
	}
	for i := range p.Services {
		s := &p.Services[i]
		if s.lower {
			p.note("Of service %q not every ended connection was seen: its new_per_source is from lower bounds.", s.Service)
		}
		if s.cut {
			p.note("Service %q had more sources than are kept (observe.max_sources); the lightest were dropped.", s.Service)
		}
		if s.HeavyTotal > 0 && s.PerSource.Proposed+s.NewPerSource.Proposed > 0 {
			p.note("Service %q: %d %s far beyond all others and not in its limits, which would hit them. See the overrides below.",
				s.Service, s.HeavyTotal, plural(s.HeavyTotal, "source or network is", "sources or networks are"))
		}
	}
}

func (s *service) attackWords() string {
	if s.attacks == 0 {
		return "at the beginning, or between two censuses"
	}
	return fmt.Sprintf("in %d of %d censuses", s.attacks, s.censuses)
}
