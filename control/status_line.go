package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// StatusLine says in one line what a person wants to know first, for a service manager to show: what
// does not work, whether the policy on disk is in force, and who is attacked; without any of that, what
// is watched. Times are UTC. What is not of ebbgate itself is escaped.
func StatusLine(s *Status) string {
	var parts []string
	if n := len(s.Faults); n > 0 {
		parts = append(parts, "DEGRADED: "+Escape(s.Faults[0].Part)+": "+brief(s.Faults[0].Text)+more(n-1, "fault", "faults"))
	}
	parts = append(parts, trialPart(s)...)
	if r := s.Reload; r != nil && !r.InForce && !r.TrialOver {
		parts = append(parts, fmt.Sprintf("the policy on disk is NOT in force, it has %s (ebbgate check %s)",
			Counted(len(r.Problems), "problem", "problems"), brief(r.File)))
	}
	attacked := attackedParts(s)
	parts = append(parts, attacked...)
	if len(attacked) == 0 {
		parts = append(parts, watchingPart(s))
	}
	return strings.Join(parts, "; ")
}

// brief keeps a text of any length from pushing out what follows it.
func brief(text string) string {
	const most = 100 // columns
	head, rest := breakAt(Escape(text), most)
	if rest != "" {
		head += "..."
	}
	return head
}

// more counts what is not named.
func more(n int, one, many string) string {
	if n <= 0 {
		return ""
	}
	return " (and " + Counted(n, "more "+one, "more "+many) + ")"
}

// attackedParts has one part for each of the first services that are attacked.
func attackedParts(s *Status) []string {
	const most = 3
	var parts []string
	rest := 0
	for i := range s.Services {
		switch svc := &s.Services[i]; {
		case len(svc.Attacks) == 0:
		case len(parts) == most:
			rest++
		default:
			parts = append(parts, attackedPart(s, svc))
		}
	}
	if rest > 0 {
		parts = append(parts, Counted(rest, "more service", "more services")+" attacked")
	}
	return parts
}

func attackedPart(s *Status, svc *Service) string {
	slow, since := true, svc.Attacks[0].Since
	kinds := make([]string, len(svc.Attacks))
	for i := range svc.Attacks {
		a := &svc.Attacks[i]
		kinds[i] = Escape(string(a.Kind))
		if a.Since.Before(since.Time) {
			since = a.Since
		}
		slow = slow && a.Kind == policy.SlowApplication
	}
	head := "ATTACK on " + Escape(svc.Name)
	if slow {
		head = Escape(svc.Name) + " is SLOW"
	}
	return fmt.Sprintf("%s: %s since %s UTC", head, strings.Join(kinds, ", "), Clock(s.At, since)) + answerPart(svc)
}

// answerPart says how many are held back, or would be.
func answerPart(svc *Service) string {
	verb := ""
	if svc.Mode == policy.Shadow {
		verb = "would be "
	}
	text := ""
	for _, x := range []struct {
		count int
		done  string
	}{{svc.LimitsTotal, "limited"}, {svc.BlocksTotal, "blocked"}} {
		if x.count > 0 {
			text += fmt.Sprintf(", %s %s%s", Counted(x.count, "source", "sources"), verb, x.done)
		}
	}
	if text != "" && svc.Mode == policy.Shadow {
		text += " (shadow mode)"
	}
	return text
}

// watchingPart tells of peace. The connections are those of the services, by the newest census.
func watchingPart(s *Status) string {
	text := "watching " + Counted(len(s.Services), "service", "services")
	if !s.Census.Taken.IsZero() {
		held := 0
		for i := range s.Services {
			held += s.Services[i].Held
		}
		text += ", " + Counted(held, "connection", "connections")
	}
	return text + ", no attack"
}
