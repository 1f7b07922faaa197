package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// StatusNews tells statuses apart whose lines (StatusLine) differ in more than figures: in what does not
// work, whether the policy on disk is in force, which attacks are open, and whether anybody is held back.
// The same news means that the newer line can wait. It is not for people, and its length is bounded by the
// number of services.
func StatusNews(s *Status) string {
	var b strings.Builder
	attacked := false
	for i := range s.Faults {
		fmt.Fprintf(&b, "fault %q\n", s.Faults[i].Part)
	}
	if r := s.Reload; r != nil && !r.InForce {
		fmt.Fprintf(&b, "reload %q %d\n", r.File, len(r.Problems))
	}
	if r := s.Reload; r != nil && (r.TrialOver || !r.Until.IsZero()) {
		fmt.Fprintf(&b, "trial %t\n", r.TrialOver)
	}
	for i := range s.Modes {
		m := &s.Modes[i]
		fmt.Fprintf(&b, "mode %q %s %t\n", m.Service, m.Mode, m.Until.IsZero())
	}
	for i := range s.Services {
		svc := &s.Services[i]
		for j := range svc.Attacks {
			a := &svc.Attacks[j]
			fmt.Fprintf(&b, "attack %q %q %q %t\n", svc.Name, a.ID, a.Kind, svc.Mode == policy.Shadow)
		}
		if len(svc.Attacks) > 0 {
			attacked = true
			fmt.Fprintf(&b, "answer %t %t\n", svc.LimitsTotal > 0, svc.BlocksTotal > 0)
		}
	}
	if !attacked {
		fmt.Fprintf(&b, "peace, counted %t", !s.Census.Taken.IsZero())
	}
	return b.String()
}
