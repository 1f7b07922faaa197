package policy

import "fmt"

// How full the conntrack table may be, in percent: above the first figure nothing is counted with it any
// more, until it is below the second. A table that is full costs everybody new connections, so the little
// we add must not be what fills it.
const (
	crowdedAbove = 90
	roomyBelow   = 75
)

// track says whether the kernel may count connections for us in the next turn, and why not.
func track(p *Policy, s *State, o *Observation, next *State, d *Decision) {
	next.Crowded = s.Crowded
	if c := &o.Counters; c.Valid {
		fill := percent(c.ConntrackCount, c.ConntrackMax)
		switch {
		case c.ConntrackMax == 0 || fill < roomyBelow:
			next.Crowded = false
		case fill >= crowdedAbove:
			next.Crowded = true
		}
		if next.Crowded != s.Crowded {
			d.Events = append(d.Events, crowded(o.At, next.Crowded, c))
		}
	}
	switch {
	case p.Limits.Conntrack == TrackNever:
		d.Untracked = "limits.conntrack is \"never\""
	case next.Crowded:
		d.Untracked = "the conntrack table is nearly full"
	}
}

// percent is n in percent of all, whatever their size; of nothing it is 0.
func percent(n, all uint64) uint64 {
	if all == 0 {
		return 0
	}
	return uint64(float64(n) / float64(all) * 100)
}

func crowded(at Instant, now bool, c *Counters) Event {
	what := "sources are refused by census alone until it is below %d%%"
	if !now {
		what = "the kernel counts the connections of watched sources again, as it is below %d%%"
	}
	return Event{Kind: TrackingChanged, At: at, Count: 1,
		Why: fmt.Sprintf("conntrack holds %d of %d entries: "+what, c.ConntrackCount, c.ConntrackMax, roomyBelow)}
}
