package audit

import (
	"fmt"
	"strings"
)

// SysctlFile is where the file that Sysctls returns is meant to go. It is read after those of the
// distribution.
const SysctlFile = "/etc/sysctl.d/90-ebbgate.conf"

// sysctlWidth is where comments are broken.
const sysctlWidth = 100

// Sysctls returns a sysctl.d file with the settings this host should change, each with a comment,
// and at its end how to apply and check it. Where findings want the same setting the first one,
// which is the worst, decides.
func (r *Report) Sysctls() string {
	var b strings.Builder
	comment := func(text string) { b.WriteString(wrap(text, "# ", "# ", sysctlWidth)) }
	comment("Proposed by ebbgate audit for this host: only what should change here. Read the comments, then save as " + SysctlFile + ".")
	done := make(map[string]bool)
	for _, f := range r.Findings {
		explained := false
		for _, a := range f.Sysctls {
			if done[a.Name] {
				continue
			}
			done[a.Name] = true
			if !explained {
				explained = true
				b.WriteByte('\n')
				comment("Now: " + f.Found + ". " + f.Why)
				if len(f.SetBy) > 0 {
					comment("Set already in " + strings.Join(f.SetBy, ", ") + ": change it there, or the file that is read last wins.")
				}
			}
			b.WriteString(a.Name + " = " + a.Value + "\n")
		}
	}
	b.WriteByte('\n')
	for _, line := range r.unread() {
		comment(line)
	}
	if len(done) == 0 {
		comment("Nothing to change.")
		return b.String()
	}
	comment("Apply: sysctl -p " + SysctlFile)
	comment("Check: ebbgate audit, which no longer names them. What a program asked for when it began to listen changes when it is restarted.")
	return b.String()
}

// unread says which settings, and what else, could not be read: the file is silent on them for that
// reason, not because they are fine.
func (r *Report) unread() []string {
	var settings, others []string
	known := settingNames()
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case f.ID != idUnread:
		case known[f.Subject]:
			settings = append(settings, f.Subject)
		default:
			others = append(others, f.Subject)
		}
	}
	var lines []string
	if n := len(settings); n > 0 {
		lines = append(lines, fmt.Sprintf("%d %s could not be read: %s.", n, plural(n, "setting", "settings"), some(settings)))
	}
	if len(others) > 0 {
		lines = append(lines, "Could not be looked at, so that what depends on it is missing here: "+some(others)+".")
	}
	return lines
}

// some joins the first of many names.
func some(names []string) string {
	const most = 32
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
