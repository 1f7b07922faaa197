package demo

import (
	"fmt"

	"ebbgate/internal/lab"
)

// slowBacklog is short, so that clients who behave fill it within the play.
const slowBacklog = 64

// slowApplication is no attack: the server stops accepting while clients who behave go on.
func slowApplication() kind {
	return kind{
		name:  "slow-application",
		about: "no attack: the application stops accepting, and nobody must be limited",
		scene: fmt.Sprintf(`A server with a backlog of %d, 20 clients making %d requests a second, and nobody else. The server
hangs: it accepts nothing for a while. To the clients that is as bad as a flood. ebbgate cannot
mend it; it must say what it is, and punish nobody. First the hanging server alone, then with
ebbgate.`, slowBacklog, requestRate),
		begins: "the application hangs",
		again:  "the application hangs again",
		ends:   "the application goes on",
		over:   "the application went on",
		server: lab.ServerConfig{Backlog: slowBacklog},
		load:   load{title: "waiting to be accepted", digits: 4, full: slowBacklog, now: func(p *play) int { return p.server.Waiting() }},
		starts: []start{hang},
		facts: func(r *Result) []fact {
			says := r.Evidence
			if r.Why != "" {
				says += "; " + r.Why
			}
			return []fact{
				{"the application", fmt.Sprintf("at most %d connections waited for it, its backlog is %d", r.MostWaiting, slowBacklog)},
				{"ebbgate says", says},
				{"answered by", fmt.Sprintf("no limit: %s, %d connections cut", r.nobody(), r.Cut)},
			}
		},
	}
}
