package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

// eventsOptions are the flags of events.
type eventsOptions struct {
	answerOptions
	follow  bool
	limit   int
	after   uint64
	resumes bool // after was given
	service string
	kind    string
	event   string
}

func eventsCommand() *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what happened: attacks, limits, blocks, faults, reloads; -f follows",
		Long: fmt.Sprintf(`Show what happened last, a sentence for each event, the oldest first: attacks that began and ended,
limits and blocks, exemptions, faults, reloads, and when the daemon was started. The daemon keeps
the newest %d, in memory; the journal has older ones (journalctl -u ebbgate EBBGATE_EVENT=...).

With -f it goes on until it is interrupted, also over a restart of the daemon, and says on
stderr what it may have missed meanwhile. Each event has an ID, which --json shows: --after
goes on behind it. With -f, --json prints one object on each line.
A service is not looked up, as events may be of one that the policy has no more: what matches
nothing is said to, and that exits 0. Exits 3 if no daemon answers at first.`, control.MaxEvents),
		Example: `  $ ebbgate events --event attack-began
  2026-03-14 03:59:00  web: connection-flood began: 312 connections held, connections.per_source
                       allows 100 (attack 3)

  ebbgate events -f --service web
  ebbgate events -f --json | jq -r 'select(.event == "source-blocked") | .source'
  ebbgate events --json --after 1795411190000012 | jq '.events[] | {event, service, why}'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.resumes = c.Flags().Changed("after")
			if err := o.check(c); err != nil {
				return exitWith(exitUsage, err)
			}
			// Whoever reads our output may have seen enough: a write then fails, and that is a good end.
			signal.Ignore(syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			if o.follow {
				return followEvents(ctx, c, &o)
			}
			return showEvents(ctx, c, &o)
		},
	}
	o.add(c)
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on with what happens from now on")
	limitFlag(c, &o.limit, 100, "show the last `N` that match; with --after, all")
	c.Flags().Uint64Var(&o.after, "after", 0, "show what came after the event of this `ID`; 0: all that are kept")
	c.Flags().StringVar(&o.service, "service", "", "only those of this `SERVICE`, also one the policy has no more")
	c.Flags().StringVar(&o.kind, "kind", "", "only those of attacks of this `KIND`, as connection-flood")
	c.Flags().StringVar(&o.event, "event", "", "only those of this `EVENT`, as attack-began")
	return c
}

// check names every flag that could never match.
func (o *eventsOptions) check(c *cobra.Command) error {
	errs := []error{refuseEmpty(c.Flags()), checkLimit(c, o.limit, 0, control.MaxEvents)}
	if o.event != "" {
		if err := control.CheckEvent(policy.EventKind(o.event)); err != nil {
			errs = append(errs, fmt.Errorf("--event: %w", err))
		}
	}
	if o.kind != "" {
		if err := control.CheckKind(policy.Kind(o.kind)); err != nil {
			errs = append(errs, fmt.Errorf("--kind: %w", err))
		}
	}
	return errors.Join(errs...)
}

// pick leaves of an answer what matches.
func (o *eventsOptions) pick(e *control.Events) *control.Events {
	picked := *e
	picked.Events = make([]control.Event, 0, len(e.Events))
	for _, x := range e.Events {
		if (o.service == "" || x.Service == o.service) && (o.kind == "" || string(x.Kind) == o.kind) && (o.event == "" || string(x.Event) == o.event) {
			picked.Events = append(picked.Events, x)
		}
	}
	return &picked
}

// last leaves the newest of what is shown first.
func (o *eventsOptions) last(e *control.Events) {
	if !o.resumes {
		e.Events = e.Events[max(0, len(e.Events)-o.limit):]
	}
}

func showEvents(ctx context.Context, c *cobra.Command, o *eventsOptions) error {
	answer, err := ask(ctx, o.socket, func(client *control.Client, ctx context.Context) (*control.Events, error) {
		return client.Events(ctx, o.after, 0)
	})
	if err != nil {
		return err
	}
	if answer.Missed {
		say(c, control.MissedText(o.after, answer))
	}
	picked := o.pick(answer)
	o.last(picked)
	return unlessClosed(show(c, &o.answerOptions, picked, o.write))
}

// write renders what is shown. Nothing at all is said to be so, unless it was asked for.
func (o *eventsOptions) write(w io.Writer, e *control.Events, _ control.TextOptions) error {
	if len(e.Events) > 0 || o.limit == 0 && !o.resumes {
		return control.WriteEvents(w, e, eventOptions(w))
	}
	_, err := fmt.Fprintln(w, "no event matches; ebbgate events shows all that are kept")
	return err
}
