package control

import "fmt"

// trialPart says for a status line what is on trial, or was: not for how long, which a line that is not made
// anew each second cannot tell.
func trialPart(s *Status) []string {
	var parts []string
	switch r := s.Reload; {
	case r == nil:
	case r.TrialOver:
		parts = append(parts, fmt.Sprintf("the policy on disk is NOT in force, its trial is over (ebbgate reload takes it for good: %s)", brief(r.File)))
	case !r.Until.IsZero():
		parts = append(parts, fmt.Sprintf("the policy is ON TRIAL until %s UTC (ebbgate confirm)", Clock(s.At, r.Until)))
	}
	for i := range s.Modes {
		m := &s.Modes[i]
		text := fmt.Sprintf("%s is in %s mode by hand", Escape(m.Service), m.Mode)
		if !m.Until.IsZero() {
			text += fmt.Sprintf(" until %s UTC", Clock(s.At, m.Until))
		}
		if i == 2 && len(s.Modes) > 3 {
			parts = append(parts, text+more(len(s.Modes)-3, "service", "services"))
			break
		}
		parts = append(parts, text)
	}
	return parts
}

// trials writes for a report what is on trial, or was.
func (p *page) trials(s *Status) {
	if r := s.Reload; r != nil && r.TrialOver {
		p.put(care, 9, "policy   its trial is over: the one before it is in force again; ebbgate reload takes it for good")
	} else if r != nil && !r.Until.IsZero() {
		p.put(care, 9, fmt.Sprintf("policy   ON TRIAL for %s more, then the one before it comes back; ebbgate confirm lets it stay", Length(r.Left.std())))
	}
	for i := range s.Modes {
		p.put(care, 9, "mode     "+modeWords(&s.Modes[i]))
	}
}

// modeWords says in a line which mode a service is in, and for how long.
func modeWords(m *ServiceMode) string {
	text := fmt.Sprintf("%s is in %s mode", Escape(m.Service), m.Mode)
	switch {
	case !m.ByHand:
		return text + ", as the policy says"
	case m.Until.IsZero():
		return text + fmt.Sprintf(" by hand, until the next reload or restart; the policy says %s", m.Policy)
	}
	return text + fmt.Sprintf(" by hand for %s more, then in %s mode again; ebbgate confirm lets it stay", Length(m.Left.std()), m.Then)
}
