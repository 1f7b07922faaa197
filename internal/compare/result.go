package compare

import (
	"time"

	"ebbgate/internal/lab"
)

// Never stands for a duration that did not end while it was waited for.
const Never time.Duration = -1

// Result is what one cell measured: one kind of attack against one defence.
type Result struct {
	Kind    string `json:"kind"`
	Defence string `json:"defence"`
	Rounds  int    `json:"rounds"` // of which the figures are medians

	Calm   Requests `json:"calm"`   // before the attack
	During Requests `json:"during"` // all of them that started while the attack went on
	After  Requests `json:"after"`  // those after the recovery; none where there was none in time

	// Recovery is how long after the onset clients were served again; 0: they were not interrupted,
	// Never: not while the attack went on. Where the application itself fails, it counts from when the
	// application went on.
	Recovery time.Duration `json:"recovery_ns"`
	// Clean is how long after the end of the attack nothing was left of it. Never: not in the time
	// waited; Left says what was left then.
	Clean time.Duration `json:"clean_ns"`
	Left  string        `json:"left,omitempty"`

	// CPU is in percent of one core while the attack went on.
	CPU CPU `json:"cpu_percent"`

	// Sent is how many SYNs attackers sent a second. The machine may be too busy for all they were to
	// send, and whom nobody refuses need not try again.
	Sent float64 `json:"attack_syns_per_second"`

	TrackedPeak int `json:"conntrack_peak"` // conntrack entries, of clients and attackers
	HeldPeak    int `json:"held_peak"`      // connections of attackers the server held at once
	HeldEnd     int `json:"held_at_end"`    // likewise, at the end of the attack

	// What ebbgate told, where it ran.
	FirstRule time.Duration `json:"first_rule_ns"` // after the onset; Never: none
	Told      []string      `json:"told,omitempty"`
	Blocks    uint64        `json:"blocks"`
}

// Requests sums up the requests of legitimate clients in a stretch of time.
type Requests struct {
	Done      int           `json:"done"`
	Succeeded int           `json:"succeeded"`
	Share     float64       `json:"succeeded_percent"`
	P50       time.Duration `json:"p50_ns"`
	P95       time.Duration `json:"p95_ns"` // of those that succeeded
}

func requestsOf(s lab.Span) Requests {
	r := Requests{Done: s.Succeeded + s.Failed, Succeeded: s.Succeeded, P50: s.P50, P95: s.P95}
	if r.Done > 0 {
		r.Share = 100 * float64(r.Succeeded) / float64(r.Done)
	}
	return r
}

// CPU is CPU time in percent of one core.
type CPU struct {
	Server  float64 `json:"server"`  // its process
	Network float64 `json:"network"` // the threads that receive for the victim: SYN cookies, rules, TCP
	Ebbgate float64 `json:"ebbgate"`
	Machine float64 `json:"machine"` // all of it: clients, attackers, and whoever else runs here
}

// Victim returns what the attack costs the host under attack.
func (c CPU) Victim() float64 { return c.Server + c.Network + c.Ebbgate }

func cpuOf(t cpuTimes, wall time.Duration) CPU {
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / wall.Seconds() }
	return CPU{share(t.server), share(t.network), share(t.ebbgate), share(t.machine)}
}

// latency returns the 95th percentile of requests after the recovery, or where there was none of those
// that were served at all. False: none was served.
func (r *Result) latency() (time.Duration, bool) {
	if r.After.Succeeded > 0 {
		return r.After.P95, true
	}
	return r.During.P95, r.During.Succeeded > 0
}
