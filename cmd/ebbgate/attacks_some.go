package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

// someAttacks are the flags by which attacks narrows what it lists.
type someAttacks struct {
	service, kind, since string
	open                 bool
	before               uint64
	limit                int
}

func (s *someAttacks) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.service, "service", "", "only those of this `SERVICE` of the policy")
	f.StringVar(&s.kind, "kind", "", "only those of this `KIND`, as connection-flood")
	f.BoolVar(&s.open, "open", false, "only those that have not ended")
	f.StringVar(&s.since, "since", "", "only those that went on since this `TIME`, as 2h, 7d or 2026-03-14")
	f.Uint64Var(&s.before, "before", 0, "only those with IDs less than this `ID`: the next page of a list")
	f.IntVar(&s.limit, "limit", 0, fmt.Sprintf("at most so many (`N`), the newest; at most %d", control.MaxListed))
}

// request turns the flags into a question at a time, and names every one that makes no sense.
func (s *someAttacks) request(c *cobra.Command, one bool, now time.Time) (control.AttacksRequest, error) {
	r := control.AttacksRequest{Service: s.service, Kind: policy.Kind(s.kind), Open: s.open, Before: s.before, Limit: s.limit}
	errs := []error{refuseEmpty(c.Flags())}
	if c.Flags().Changed("limit") && (s.limit < 1 || s.limit > control.MaxListed) {
		errs = append(errs, fmt.Errorf("--limit: %d is out of range, must be 1 to %d", s.limit, control.MaxListed))
	}
	if r.Kind != "" {
		if err := control.CheckKind(r.Kind); err != nil {
			errs = append(errs, fmt.Errorf("--kind: %w", err))
		}
	}
	if s.since != "" {
		var err error
		if r.Since, err = parseSince(s.since, now); err != nil {
			errs = append(errs, fmt.Errorf("--since: %w", err))
		}
	}
	if narrowed := r != (control.AttacksRequest{}); narrowed && one {
		errs = append(errs, errors.New("an ID names one attack: --service, --kind, --open, --since, --before and --limit do not go with it"))
	}
	return r, errors.Join(errs...)
}

// parseSince reads how long ago something was, or when: a day is meant in UTC, as all times are shown.
func parseSince(text string, now time.Time) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	d, err := parseLength(text)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is no time; it must be like 2h, 7d, 2026-03-14 or 2026-03-14T03:00:00Z", text)
	}
	return now.Add(-d), nil
}

// write returns what renders the answer: where nothing matches it does not say that there was nothing.
func (s *someAttacks) write(r control.AttacksRequest) func(io.Writer, *control.Attacks, control.TextOptions) error {
	if r == (control.AttacksRequest{}) {
		return control.WriteAttacks
	}
	return func(w io.Writer, a *control.Attacks, o control.TextOptions) error {
		if len(a.Attacks) > 0 {
			return control.WriteAttacks(w, a, o)
		}
		_, err := fmt.Fprintln(w, "no attack matches; ebbgate attacks lists all that are known")
		return err
	}
}
