package control

import (
	"net/netip"
	"net/url"
	"strconv"

	"ebbgate/policy"
)

const (
	// MaxSources bounds the sources of one answer.
	MaxSources = 1000
	// DefaultSources is how many are answered if the client does not say.
	DefaultSources = 100
)

// Sources is the answer of GET /v1/sources: who holds connections, and what holds for them.
type Sources struct {
	At       Time         `json:"at"`
	Counted  Time         `json:"counted"`  // when the newest census began; null: none yet
	Complete bool         `json:"complete"` // false: the census has not seen every connection
	Total    int          `json:"total"`    // that match, of which Sources has the first
	Held     int          `json:"held"`     // by all that match, each connection once
	States   SourceCounts `json:"states"`   // of all that match
	Shadow   SourceCounts `json:"shadow"`   // of these, those at services in shadow mode: what would hold
	Rest     SourceRest   `json:"rest"`     // what the census could not tell apart, at the services asked for
	Sources  []Source     `json:"sources"`
}

// SourceCounts says in which state how many sources are.
type SourceCounts struct {
	Exempt  int `json:"exempt"`
	Blocked int `json:"blocked"`
	Refused int `json:"refused"`
	Limited int `json:"limited"`
	Watched int `json:"watched"`
	Free    int `json:"free"`
}

// SourceRest sums up the sources beyond observe.max_sources, of which none is listed.
type SourceRest struct {
	Sources int `json:"sources"`
	Held    int `json:"held"`
}

// Source is what is known of one source of one service.
type Source struct {
	Service  string       `json:"service"`
	Mode     policy.Mode  `json:"mode"` // of the service: in shadow mode the state is what would hold
	Source   netip.Prefix `json:"source"`
	Part     bool         `json:"part"`       // no source of its own, but a prefix around sources or an address within one: what it holds is part of what they hold
	Known    bool         `json:"held_known"` // a census tells what it holds
	Held     int          `json:"held"`       // connections that hold a slot of the application
	HalfOpen int          `json:"half_open"`  // handshakes not completed, which anybody can begin in its name
	Max      int          `json:"max"`        // connections it may hold; 0: no limit
	MaxRule  string       `json:"max_rule"`   // the key that says so
	PerS     *int         `json:"new_per_s"`  // connections it opened a second; null: not counted now
	SYNsOver uint64       `json:"syns_over"`  // SYNs in its name beyond the rate, in the meter; anybody can send them
	Dropped  bool         `json:"dropped"`    // its SYNs beyond the rate are dropped now
	State    SourceState  `json:"state"`
	Rule     string       `json:"rule"`      // why it is limited or blocked; empty: it is not
	Measured int          `json:"measured"`  // in the unit of the rule
	Over     int          `json:"threshold"` // likewise
	Left     Duration     `json:"left"`      // until the limit or block ends if nothing renews it; 0: there is none
	Strikes  int          `json:"strikes"`   // blocks that are remembered
}

// SourceState says what holds for a source, the strongest first.
type SourceState string

// The states of a source. In shadow mode they say what would hold.
const (
	SourceExempt  SourceState = "exempt"
	SourceBlocked SourceState = "blocked"
	SourceRefused SourceState = "refused" // at its limit: new connections are turned away
	SourceLimited SourceState = "limited" // below its limit, which lasts
	SourceWatched SourceState = "watched" // near its limit: the kernel holds it to it
	SourceFree    SourceState = "free"
)

// SourceOrder says by what sources are sorted, the most first.
type SourceOrder string

// The orders of sources.
const (
	ByState    SourceOrder = "state" // whoever is blocked, refused or limited before all others; of each, who holds most
	ByHeld     SourceOrder = "held"
	ByNew      SourceOrder = "new"
	ByHalfOpen SourceOrder = "half_open"
	BySYNs     SourceOrder = "syns"
)

// SourcesRequest is the query of GET /v1/sources. The zero value asks for the DefaultSources that hold most.
type SourcesRequest struct {
	Service string       // empty: all
	State   SourceState  // empty: all
	Within  netip.Prefix // those in it, and prefixes around it; invalid: all
	Sort    SourceOrder  // empty: ByHeld
	Limit   int          // 0: DefaultSources; at most MaxSources
}

// query returns the request as the API takes it.
func (r SourcesRequest) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"service": r.Service, "state": string(r.State), "sort": string(r.Sort)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if r.Within.IsValid() {
		q.Set("within", r.Within.String())
	}
	if r.Limit != 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	return q
}
