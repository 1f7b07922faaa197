package demo

import (
	"fmt"
	"time"

	"ebbgate/internal/lab"
)

const (
	churnRate    = 4000 // connections a second of all attackers
	newPerSource = 15
	churnBlock   = "12s"
)

// churn is few sources that open connections and reset them at once, faster than the server accepts.
func churn() kind {
	return kind{
		name:  "churn",
		about: "few sources connect and part again, faster than the server accepts",
		scene: fmt.Sprintf(`A server that needs two milliseconds to accept a connection, 20 clients making %d requests a second,
and 8 attackers who connect and reset %d times a second: they hold nothing. First the flood
alone, then with ebbgate, whose policy allows a source %d new connections a second.`, requestRate, churnRate, newPerSource),
		begins: "a flood begins, and nothing answers it: 8 IPv4 addresses",
		again:  "the same flood begins again",
		ends:   "the flood ends",
		over:   "the flood ended",
		policy: policyText{newPerSource: newPerSource, blockAfter: "5s", blockFor: churnBlock},
		server: lab.ServerConfig{AcceptTime: 2 * time.Millisecond},
		load:   load{title: "connections accepted/s", digits: 4, full: 500, total: func(p *play) uint64 { return p.server.Counts().Accepted }},
		starts: []start{churning(lab.ChurnConfig{Target: target4(), Sources: lab.AttackRange().IPv4(8), Rate: churnRate, AtOnce: 2000})},
		ruled:  true, metered: true, cured: true,
		facts: func(r *Result) []fact {
			return []fact{
				{"the attackers", fmt.Sprintf("%d tries, %d refused, %d completed", r.Attempts, r.Refused, r.Completed)},
				{"answered by", fmt.Sprintf("at most %d sources turned away at once, %d blocks of about %s", r.MostLimited, r.Blocks, churnBlock)},
			}
		},
	}
}
