package main

import (
	"time"

	"ebbgate/internal/demo"
)

// demoJSON is the JSON form of the demo's summary. Times are seconds after the onset of the attack
// unless the name says otherwise. What a kind of attack has nothing of is zero.
type demoJSON struct {
	ServedBare      int     `json:"served_without"` // requests while the flood went on and nothing answered it
	FailedBare      int     `json:"failed_without"`
	FirstRule       float64 `json:"first_rule"`
	Interrupted     bool    `json:"interrupted"`
	ServedAgain     float64 `json:"served_again"`
	FailedBefore    int     `json:"failed_before"`
	ServedDuring    int     `json:"served_during"`
	FailedDuring    int     `json:"failed_during"`
	Attempts        uint64  `json:"attempts"`
	Refused         uint64  `json:"refused"`
	Cut             uint64  `json:"cut"`
	MostHeld        int     `json:"most_held"`
	CleanAfterFlood float64 `json:"clean_after_flood"`
	Clean           bool    `json:"clean"`

	Outages    []outageJSON `json:"interrupted_again"`       // after the clients were served again, while the attack went on
	TableGone  float64      `json:"table_gone_after_flood"`  // seconds; 0: it was gone before, or there was none
	AttackOver float64      `json:"attack_over_after_flood"` // seconds, as the daemon tells; 0: it was over before

	Attack      string   `json:"attack"`     // the kind that was played
	Recognised  float64  `json:"recognised"` // until the daemon told of an attack of this kind
	Others      []string `json:"also_recognised"`
	Evidence    string   `json:"evidence"`
	Why         string   `json:"why"`
	Ruled       bool     `json:"ruled"`          // false: there was no rule, and first_rule says nothing
	Completed   uint64   `json:"completed"`      // connections the attackers opened and closed at once
	SYNs        uint64   `json:"syns"`           // they sent in the name of others
	CookiesSent uint64   `json:"cookies_sent"`   // SYN cookies, by the kernel
	SYNsDropped uint64   `json:"syns_dropped"`   // of sources beyond their rate
	MostLimited int      `json:"most_limited"`   // sources limited or blocked at once
	Blocks      uint64   `json:"blocks"`         // sources blocked
	ShareLeast  int      `json:"share_least"`    // connections the fair share last allowed a source or prefix, from
	ShareMost   int      `json:"share_most"`     // to
	HeldAtEnd   int      `json:"held_at_end"`    // connections the server held when the attack ended
	MostWaiting int      `json:"most_waiting"`   // connections in its accept queue
	MostTracked int      `json:"most_conntrack"` // entries of the conntrack table
}

// outageJSON is a time in which requests failed.
type outageJSON struct {
	From   float64 `json:"from"`
	To     float64 `json:"to"` // 0: the clients were not served again within the play
	Failed int     `json:"failed"`
}

func demoJSONOf(r *demo.Result) demoJSON {
	seconds := func(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
	outages := make([]outageJSON, 0, len(r.Outages))
	for _, o := range r.Outages {
		outages = append(outages, outageJSON{seconds(o.From), seconds(o.To), o.Failed})
	}
	return demoJSON{
		ServedBare: r.Bare.Succeeded, FailedBare: r.Bare.Failed,
		FirstRule: seconds(r.FirstRule), Interrupted: r.Interrupted, ServedAgain: seconds(r.ServedAgain), FailedBefore: r.Lost,
		ServedDuring: r.During.Succeeded, FailedDuring: r.During.Failed,
		Attempts: r.Attempts, Refused: r.Refused, Cut: r.Cut, MostHeld: r.Most,
		CleanAfterFlood: seconds(r.Clean), Clean: r.Peace,
		Outages: outages, TableGone: seconds(r.TableGone), AttackOver: seconds(r.AttackOver),

		Attack: r.Kind(), Recognised: seconds(r.Recognised), Others: append([]string{}, r.Others...), Evidence: r.Evidence, Why: r.Why,
		Ruled: r.Ruled, Completed: r.Completed, SYNs: r.SYNs, CookiesSent: r.CookiesSent, SYNsDropped: r.SYNsDropped,
		MostLimited: r.MostLimited, Blocks: r.Blocks, ShareLeast: r.ShareLeast, ShareMost: r.ShareMost,
		HeldAtEnd: r.HeldAtEnd, MostWaiting: r.MostWaiting, MostTracked: r.MostTracked,
	}
}
