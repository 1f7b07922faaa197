package demo

import (
	"slices"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// Result is what the play measured. Durations count from the onset of the attack unless said
// otherwise. What a kind of attack has nothing of is zero.
type Result struct {
	Bare   lab.Span // requests while the attack went on and nothing answered it
	During lab.Span // requests after recovery while it went on against ebbgate; all, where ebbgate has no cure

	Recognised time.Duration // until the daemon told of an attack of the kind that was played
	Others     []string      // other kinds it told of meanwhile
	Evidence   string        // by which it recognised the kind, in its words
	Why        string        // what it is and what would help, in its words

	Ruled       bool          // our table was in the kernel
	FirstRule   time.Duration // until it was
	Interrupted bool          // at least one request failed
	ServedAgain time.Duration // until the end of the first request after which none failed for a second
	Lost        int           // requests that failed until then
	Outages     []Outage      // later ones, while the attack went on

	Attempts  uint64 // connections the attackers tried to open
	Refused   uint64 // of these, refused at once
	Completed uint64 // of these, established; of churn only
	Cut       uint64 // connections of theirs that were closed
	SYNs      uint64 // they sent in the name of others
	Most      int    // connections one attacking source held at the end of the attack

	HeldAtEnd   int    // connections the server held at the end of the attack
	MostWaiting int    // connections that waited to be accepted
	CookiesSent uint64 // by the kernel
	MostTracked int    // conntrack entries

	MostLimited           int    // sources limited or blocked at once
	ShareLeast, ShareMost int    // connections the fair share last allowed a source or prefix
	Blocks                uint64 // sources blocked
	SYNsDropped           uint64 // of sources beyond their rate

	TableGone  time.Duration // from the end of the attack until our table was gone; 0: it was before, or there was none
	AttackOver time.Duration // from the end of the attack until the daemon told of none any more; 0: it was before
	Clean      time.Duration // the longer of both: until nothing was left of it
	Peace      bool          // nothing was left of it when the play ended

	kind            kind
	onset, floodEnd time.Time
	recognised      []recognition // not announced yet
}

// Kind returns the kind of attack that was played.
func (r *Result) Kind() string { return r.kind.name }

// recognition is when the daemon first told of a kind of attack.
type recognition struct {
	kind string
	at   time.Time
}

// hear takes in what the daemon tells of the service in the middle of the attack.
func (r *Result) hear(s control.Service, now time.Time) {
	for _, a := range s.Attacks {
		name := string(a.Kind)
		switch {
		case name == r.kind.name:
			r.Evidence, r.Why = a.Evidence, a.Why
			if r.Recognised > 0 {
				continue
			}
			r.Recognised = now.Sub(r.onset)
		case slices.Contains(r.Others, name):
			continue
		default:
			r.Others = append(r.Others, name)
		}
		r.recognised = append(r.recognised, recognition{name, now})
	}
	r.MostLimited = max(r.MostLimited, s.LimitsTotal+s.BlocksTotal)
	if s.Share != nil {
		r.ShareLeast, r.ShareMost = s.Share.Least, s.Share.Limit
	}
	r.Blocks, r.SYNsDropped = max(r.Blocks, s.BlocksBegun), max(r.SYNsDropped, s.DroppedPackets)
}

// news returns the kinds that were recognised since the last call.
func (r *Result) news() []recognition {
	news := r.recognised
	r.recognised = nil
	return news
}
