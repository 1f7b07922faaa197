package control

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// textExempt and textAdmins are how many exemptions and administrators are shown to people.
	textExempt = 10
	textAdmins = 4
)

// exempt writes who is exempt by hand or as an administrator. What the policy file exempts is in the
// policy file.
func (p *page) exempt(s *Status) {
	for i := range s.Exempt[:min(len(s.Exempt), textExempt)] {
		p.put(plain, 9, "exempt   "+exemptWords(&s.Exempt[i]))
	}
	if more := len(s.Exempt) - textExempt; more > 0 {
		p.put(subtle, 9, fmt.Sprintf("         and %s more; ebbgate status --json has all", Number(more)))
	}
	if len(s.Admins.Addresses) == 0 {
		return
	}
	var who, ports []string
	for _, a := range s.Admins.Addresses[:min(len(s.Admins.Addresses), textAdmins)] {
		who = append(who, Escape(a.String()))
	}
	for _, port := range s.Admins.Ports {
		ports = append(ports, strconv.Itoa(int(port)))
	}
	p.put(plain, 9, fmt.Sprintf("admins   %s: exempt on sshd's ports (%s) only, while logged in, and ten minutes after",
		naming(who, len(s.Admins.Addresses)), strings.Join(ports, ", ")))
}

// exemptWords says an exemption in a line.
func exemptWords(e *Exempt) string {
	text := fmt.Sprintf("%s %s, ", SourceText(e.Prefix), ofService(e.Service))
	if e.Until.IsZero() {
		text += "until the daemon ends"
	} else {
		text += "for " + Length(e.Left.std()) + " more"
	}
	if e.Reason != "" {
		text += ": " + Escape(e.Reason)
	}
	return text
}
