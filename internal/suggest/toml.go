package suggest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ebbgate/internal/escape"
	"ebbgate/policy"
)

// snippet writes TOML with comments.
type snippet struct {
	b   strings.Builder
	loc *time.Location
	day string // of the first observation
}

// Render writes TOML: a snippet that policy.Parse accepts, with times of day as in loc. whole makes it a
// policy that stands by itself instead of one to merge into another.
func (p *Proposal) Render(loc *time.Location, whole bool) {
	w := snippet{loc: loc, day: p.From.In(loc).Format(time.DateOnly)}
	p.head(&w)
	if whole {
		w.line("")
		w.line(`mode = "shadow"`)
	}
	for i := range p.Services {
		p.Services[i].write(&w)
	}
	p.TOML = w.b.String()
}

func (p *Proposal) head(w *snippet) {
	w.comment("", "Proposed by ebbgate suggest from %s %s to %s: %d whole %s in %s.", w.day, w.clock(p.From), w.clock(p.To),
		p.Censuses, plural(p.Censuses, "census", "censuses"), time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	w.comment("", "Look at the figures, change what you know better, and run it in shadow mode first.")
	for _, n := range p.Notes {
		w.line("#")
		w.comment("", "NOTE: %s", n)
	}
	if len(p.Services) == 0 {
		w.line("#")
		w.comment("", "No service was seen, so there is nothing to propose.")
	}
}

func (s *Service) write(w *snippet) {
	w.line("")
	w.line("[[service]]")
	w.line("name  = %s", escape.TOML(s.Service))
	w.line("ports = %s", s.ports)
	if len(s.Addresses) > 0 {
		w.line("addresses = [%s]", quoted(s.Addresses))
	}
	if s.Traffic != policy.Local.String() {
		w.line("traffic = %s", escape.TOML(s.Traffic))
	}
	w.comment("", "At most %d connections at once, of %d %s.", s.PeakHeld, s.Sources, plural(s.Sources, "source", "sources"))
	s.writeCapacity(w)
	s.writeConnections(w)
	s.writeRate(w)
	s.writeHeavy(w)
}

func (s *Service) writeCapacity(w *snippet) {
	c := &s.Capacity
	if c.Proposed == 0 {
		w.comment("", "capacity: nothing proposed: %s.", c.Why)
		return
	}
	w.comment("", "%s may open %d files in %d %s and has %d open, %d connections of this service among them. Lower it to the program's own limit of workers or connections, which cannot be seen from here, and halve it for a proxy, which needs two files for each connection.",
		c.Program, c.FileLimit, c.Processes, plural(c.Processes, "process", "processes"), c.Files, c.Held)
	w.line("capacity = %d", c.Proposed)
}

func (s *Service) writeConnections(w *snippet) {
	w.line("")
	if s.PerSource.Proposed == 0 {
		w.comment("  ", "per_source: nothing proposed: %s.", s.PerSource.Why)
		return
	}
	w.line("  [service.connections]")
	s.PerSource.comment(w, s.Censuses, "sources")
	w.line("  per_source = %d", s.PerSource.Proposed)
	var list []string
	for _, l := range []struct {
		figure *Figure
		key    string
		what   string
	}{{&s.PerPrefixIPv4, fmt.Sprintf("ipv4 = %d", bits4), "IPv4 networks"}, {&s.PerPrefixIPv6, fmt.Sprintf("ipv6 = %d", bits6), "IPv6 networks"}} {
		if l.figure.Proposed == 0 {
			w.comment("  ", "per_prefix of %s: nothing proposed: %s.", l.what, l.figure.Why)
			continue
		}
		l.figure.comment(w, s.Censuses, l.what)
		list = append(list, fmt.Sprintf("{ %s, limit = %d }", l.key, l.figure.Proposed))
	}
	if len(list) > 0 {
		w.line("  per_prefix = [%s]", strings.Join(list, ", "))
	}
}

// comment tells what a figure is made of.
func (f *Figure) comment(w *snippet, censuses int, what string) {
	text := "nobody sustained a connection"
	if f.By != nil {
		text = fmt.Sprintf("highest sustained: %d by %s, seen %s", f.Sustained, address(*f.By), w.clock(*f.Seen))
	}
	if f.PeakBy != nil && f.Peak > f.Sustained {
		text += fmt.Sprintf("; for a moment %d by %s", f.Peak, address(*f.PeakBy))
	}
	w.comment("  ", "%s; %d censuses, %d %s", text, censuses, f.Of, what)
}

func (s *Service) writeRate(w *snippet) {
	w.line("")
	f := &s.NewPerSource
	if f.Proposed == 0 {
		w.comment("  ", "new_per_source, syn_per_source: nothing proposed: %s.", f.Why)
		return
	}
	w.line("  [service.rate]")
	w.comment("  ", "most completed connections a second: %d by %s, seen %s; %d sources", f.Sustained, address(*f.By), w.clock(*f.Seen), f.Of)
	w.line(`  new_per_source = "%d/s"`, f.Proposed)
	w.comment("  ", "SYNs were not measured: %d for each completed connection, as lost ones are sent again", synsForEach)
	w.line(`  syn_per_source = "%d/s"`, s.SYNPerSource.Proposed)
}

// writeHeavy suggests overrides that the operator must uncomment: who they are is for him to know.
func (s *Service) writeHeavy(w *snippet) {
	if len(s.Heavy) == 0 {
		return
	}
	w.line("")
	w.comment("  ", "Far beyond all others: a proxy, an office, carrier NAT - or somebody who takes too much. They are in no limit above, which would hit them. If you know them, uncomment, or list your own in exempt.prefixes.")
	for _, h := range s.Heavy {
		w.line("  #")
		text := fmt.Sprintf("%s: sustained %d, for a moment %d (%d %% of all)", address(h.Source), h.Sustained, h.Peak, h.Share)
		if h.Peak == 0 {
			text = address(h.Source) + ": no connections held for long"
		}
		if h.New > 0 {
			text += fmt.Sprintf(", %d new connections a second", h.New)
		}
		w.comment("  ", "%s", text)
		w.line("  # [[service.override]]")
		w.line("  # prefixes = [%s]", escape.TOML(h.Source.String()))
		if h.PerSource > 0 {
			w.line("  # per_source = %d", h.PerSource)
		}
		if h.NewPerSource > 0 {
			w.line(`  # new_per_source = "%d/s"`, h.NewPerSource)
		}
	}
	if n := s.HeavyTotal - len(s.Heavy); n > 0 {
		w.line("  #")
		w.comment("  ", "and %d more.", n)
	}
}

func (w *snippet) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// comment writes words as comment lines that fit.
func (w *snippet) comment(indent, format string, args ...any) {
	w.b.WriteString(escape.Comment(indent, fmt.Sprintf(format, args...)))
}

// clock is a time of day, with the date where it is another one than at first.
func (w *snippet) clock(t time.Time) string {
	t = t.In(w.loc)
	if t.Format(time.DateOnly) != w.day {
		return t.Format(time.DateTime)
	}
	return t.Format(time.TimeOnly)
}

// address writes a single address without its prefix length, as people know it.
func address(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func portText(r policy.PortRange) string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// portsTOML writes ports as the policy file takes them, broken into lines that fit.
func portsTOML(ports []policy.PortRange) string {
	out, line := "[", len("ports = [")
	for i, r := range ports {
		text := portText(r)
		if r.First != r.Last {
			text = escape.TOML(text)
		}
		switch {
		case i > 0 && line+len(text)+3 > escape.Columns:
			out, line = out+",\n  ", 2
		case i > 0:
			out, line = out+", ", line+2
		}
		out, line = out+text, line+len(text)
	}
	return out + "]"
}

func quoted(addrs []netip.Addr) string {
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = escape.TOML(a.String())
	}
	return strings.Join(out, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
