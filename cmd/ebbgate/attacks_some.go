package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	limitFlag(c, &s.limit, 0, fmt.Sprintf("list at most `N`, the newest; 1 to %d", control.MaxListed))
}

// request turns the flags into a question at a time, and names every one that makes no sense.
func (s *someAttacks) request(c *cobra.Command, one bool, now time.Time) (control.AttacksRequest, error) {
	r := control.AttacksRequest{Service: s.service, Kind: policy.Kind(s.kind), Open: s.open, Before: s.before, Limit: s.limit}
	errs := []error{refuseEmpty(c.Flags()), checkLimit(c, s.limit, 1, control.MaxListed)}
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

// write returns what renders the answer: where nothing matches it does not say that there was nothing, and
// where there are more it says how to list them.
func (s *someAttacks) write(c *cobra.Command, r control.AttacksRequest) func(io.Writer, *control.Attacks, control.TextOptions) error {
	return func(w io.Writer, a *control.Attacks, o control.TextOptions) error {
		if len(a.Attacks) == 0 && r != (control.AttacksRequest{}) {
			_, err := fmt.Fprintln(w, "no attack matches; ebbgate attacks lists all that are known")
			return err
		}
		err := control.WriteAttacks(w, a, o)
		if a.More && err == nil {
			_, err = fmt.Fprintln(w, "older ones are kept: "+nextPage(c, a.Attacks[len(a.Attacks)-1].ID))
		}
		return err
	}
}

// nextPage is the command line that lists, of the same attacks, those before one of them.
func nextPage(c *cobra.Command, before string) string {
	line := c.CommandPath()
	c.Flags().Visit(func(f *pflag.Flag) {
		switch text := f.Value.String(); {
		case f.Name == "before" || text == "false":
		case f.Value.Type() == "bool":
			line += " --" + f.Name
		default:
			line += " --" + f.Name + " " + shellWord(text)
		}
	})
	return line + " --before " + control.Escape(before)
}

// shellWord writes text so that a shell takes it for one word, and a terminal can show it.
func shellWord(text string) string {
	text = control.Escape(text)
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+,@") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
