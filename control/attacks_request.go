package control

import (
	"net/url"
	"strconv"
	"time"

	"ebbgate/policy"
)

// AttacksRequest is the query of GET /v1/attacks for several. The zero value asks for all.
type AttacksRequest struct {
	Service string      // empty: of all
	Kind    policy.Kind // empty: all
	Open    bool        // only those that have not ended
	Since   time.Time   // only those that went on then or later; zero: all
	Before  uint64      // only those with numbers less than this; 0: all
	Limit   int         // at most so many, the newest; 0: MaxListed, which is the most
}

// query returns the request as the API takes it.
func (r AttacksRequest) query() url.Values {
	q := url.Values{}
	if r.Service != "" {
		q.Set("service", r.Service)
	}
	if r.Kind != "" {
		q.Set("kind", string(r.Kind))
	}
	if r.Open {
		q.Set("open", "true")
	}
	if !r.Since.IsZero() {
		q.Set("since", r.Since.UTC().Format(timeLayout))
	}
	if r.Before > 0 {
		q.Set("before", strconv.FormatUint(r.Before, 10))
	}
	if r.Limit > 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	return q
}

// attacksParams are what GET /v1/attacks takes.
func attacksParams() []string {
	return []string{"id", "service", "kind", "open", "since", "before", "limit"}
}

// parseAttacks reads a request. The id is read elsewhere; it goes with nothing else.
func parseAttacks(q url.Values) (AttacksRequest, error) {
	r := AttacksRequest{Service: q.Get("service"), Kind: policy.Kind(q.Get("kind")), Open: q.Get("open") == "true"}
	if q.Has("id") && len(q) > 1 {
		return r, invalid("id: names one attack and goes with nothing else")
	}
	if err := CheckKind(r.Kind); r.Kind != "" && err != nil {
		return r, invalid("kind: %v", err)
	}
	if open := q.Get("open"); q.Has("open") && open != "true" && open != "false" {
		return r, invalid("open: %q is neither; it must be true or false", clip(open))
	}
	if q.Has("since") {
		var err error
		if r.Since, err = time.Parse(time.RFC3339, q.Get("since")); err != nil {
			return r, invalid("since: %q is not a time; it must be like 2026-03-14T03:00:00Z (RFC 3339)", clip(q.Get("since")))
		}
	}
	return r, r.parsePage(q)
}

// parsePage reads which part of the list is wanted.
func (r *AttacksRequest) parsePage(q url.Values) (err error) {
	if q.Has("before") {
		if r.Before, err = queryAttackID(q, "before"); err != nil {
			return err
		}
	}
	r.Limit, err = queryNumber(q, "limit", 0, MaxListed)
	return err
}

// CheckKind says what kinds of attack there are.
func CheckKind(k policy.Kind) error { return oneOf(k, policy.Kinds(), "a kind of attack") }

// Select returns the attacks that a request asks for, in their order. It shares them with a.
func (a *Attacks) Select(r AttacksRequest) *Attacks {
	out := &Attacks{At: a.At, Attacks: []Attack{}}
	for i := range a.Attacks {
		if r.wants(&a.Attacks[i]) {
			out.Attacks = append(out.Attacks, a.Attacks[i])
		}
	}
	return out
}

func (r AttacksRequest) wants(a *Attack) bool {
	switch {
	case r.Service != "" && a.Service != r.Service:
	case r.Kind != "" && a.Kind != r.Kind:
	case r.Open && !a.Ended.IsZero():
	case !a.Ended.IsZero() && a.Ended.Before(r.Since):
	case r.Before > 0 && a.number() >= r.Before:
	default:
		return true
	}
	return false
}
