package csf

import (
	"fmt"
	"strings"

	"ebbgate/internal/escape"
)

// render writes the policy.
func (t *translator) render() string {
	w := &strings.Builder{}
	say := func(indent, format string, args ...any) {
		w.WriteString(escape.Comment(indent, fmt.Sprintf(format, args...)))
	}
	say("", "Made by ebbgate import csf from %s.", t.out.File)
	say("", "Each number says where it comes from. Check the file (ebbgate check), run it in shadow mode beside csf and compare; see docs/coming-from-elsewhere.md.")
	w.WriteString("\n")
	say("", "Counts and reports what it would do, and lets every packet pass. \"enforce\" acts.")
	w.WriteString("mode = \"shadow\"\n")
	t.renderExempt(w)
	for i := range t.services {
		t.services[i].render(w, &t.ct)
	}
	t.renderLeft(w)
	return w.String()
}

func (t *translator) renderExempt(w *strings.Builder) {
	if len(t.exempt) == 0 {
		return
	}
	w.WriteString("\n[exempt]\nprefixes = [\n")
	for _, e := range t.exempt {
		fmt.Fprintf(w, "  %s, # %s\n", escape.TOML(e.prefix.String()), escape.Terminal(e.from))
	}
	w.WriteString("]\n")
}

func (s *service) render(w *strings.Builder, ct *tracking) {
	comment := func(indent, text string) {
		if text != "" {
			w.WriteString(escape.Comment(indent, text))
		}
	}
	fmt.Fprintf(w, "\n[[service]]\nname  = %s\n", escape.TOML(s.name))
	comment("", s.portsNote)
	fmt.Fprintf(w, "ports = %s\n", portsTOML(s.ports))
	subnet := s.tracked && ct.subnet > 0
	if s.perSource > 0 || subnet {
		w.WriteString("\n  [service.connections]\n")
	}
	if s.perSource > 0 {
		comment("  ", s.heldNote)
		fmt.Fprintf(w, "  per_source = %d\n", s.perSource)
	}
	if subnet {
		comment("  ", ct.subnetNote)
		fmt.Fprintf(w, "  per_prefix = [{ ipv4 = 24, limit = %d }]\n", ct.subnet)
	}
	if s.rate > 0 {
		w.WriteString("\n  [service.rate]\n")
		comment("  ", s.rateNote)
		fmt.Fprintf(w, "  new_per_source = \"%d/s\"\n", s.rate)
	}
	if s.tracked && ct.blockFor > 0 {
		w.WriteString("\n  [service.response]\n")
		comment("  ", ct.blockNote)
		fmt.Fprintf(w, "  block_for = [\"%ds\"]\n", ct.blockFor)
	}
}

// mostRendered bounds how many leftovers are in the policy file; the command lists more of them.
const mostRendered = 40

func (t *translator) renderLeft(w *strings.Builder) {
	lines := t.out.Lines()
	w.WriteString("\n")
	w.WriteString(escape.Comment("", "Without a counterpart, and why:"))
	for i, line := range lines {
		if i == mostRendered {
			w.WriteString(escape.Comment("", fmt.Sprintf("and %d more, which the command lists.", len(lines)-i)))
			return
		}
		w.WriteString("#\n" + escape.Comment("", line))
	}
}

// Lines says what was not translated, for people; what csf wrote in it is escaped. Lines of a list that
// are left for the same reason are one line.
func (m *Import) Lines() []string {
	var lines []string
	for i := 0; i < len(m.Left); {
		l, n := m.Left[i], 1
		for l.Key == "" && l.Line > 0 && i+n < len(m.Left) && m.Left[i+n].Why == l.Why && m.Left[i+n].File == l.File {
			n++
		}
		lines = append(lines, escape.Terminal(l.text(n)))
		i += n
	}
	if len(m.Off) > 0 {
		lines = append(lines, "Off in csf, or without effect there: "+strings.Join(m.Off, ", ")+".")
	}
	if m.Elsewhere > 0 {
		lines = append(lines, fmt.Sprintf("%d more settings are not about connections: filtering, log watching (LF_), mail, processes. Keep csf, or a firewall and fail2ban, for them.", m.Elsewhere))
	}
	return lines
}

// text says what was left, and that n lines were for the same reason.
func (l *Leftover) text(n int) string {
	switch {
	case l.Line == 0:
		return l.Why + "."
	case l.Key != "":
		return fmt.Sprintf("%s:%d: %s = \"%s\": %s.", base(l.File), l.Line, l.Key, l.Value, l.Why)
	case n > 1:
		return fmt.Sprintf("%s:%d: %s, and %d more like it: %s.", base(l.File), l.Line, l.Value, n-1, l.Why)
	default:
		return fmt.Sprintf("%s:%d: %s: %s.", base(l.File), l.Line, l.Value, l.Why)
	}
}
