package control

import (
	"net/netip"
	"net/url"
	"strconv"
)

const (
	// MaxSources bounds the sources of one answer.
	MaxSources = 1000
	// DefaultSources is how many are answered if the client does not say.
	DefaultSources = 100
)

// Sources is the answer of GET /v1/sources: who holds connections, and what holds for them.
type Sources struct {
	At       Time     `json:"at"`
	Counted  Time     `json:"counted"`  // when the newest census began; null: none yet
	Complete bool     `json:"complete"` // false: the census has not seen every connection
	Total    int      `json:"total"`    // that match, of which Sources has the first
	Sources  []Source `json:"sources"`
}

// Source is what is known of one source of one service.
type Source struct {
	Service  string       `json:"service"`
	Source   netip.Prefix `json:"source"`
	Held     int          `json:"held"`      // connections that hold a slot of the application
	HalfOpen int          `json:"half_open"` // handshakes not completed, which anybody can begin in its name
	Max      int          `json:"max"`       // connections it may hold; 0: no limit
	PerS     *int         `json:"new_per_s"` // connections it opened a second; null: not counted now
	SYNsOver uint64       `json:"syns_over"` // SYNs in its name beyond the rate, in the meter; anybody can send them
	State    SourceState  `json:"state"`
	Rule     string       `json:"rule"`     // why it is limited or blocked; empty: it is not
	Measured int          `json:"measured"` // in the unit of the rule
	Over     int          `json:"threshold"`
	Left     Duration     `json:"left"`    // until the limit or block ends if nothing renews it; 0: there is none
	Strikes  int          `json:"strikes"` // blocks that are remembered
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
	ByHeld     SourceOrder = "held"
	ByNew      SourceOrder = "new"
	ByHalfOpen SourceOrder = "half_open"
	BySYNs     SourceOrder = "syns"
)

// SourcesRequest is the query of GET /v1/sources. The zero value asks for the DefaultSources that hold most.
type SourcesRequest struct {
	Service string       // empty: all
	State   SourceState  // empty: all
	Within  netip.Prefix // invalid: all
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
