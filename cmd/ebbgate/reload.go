package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

const reloadLong = `Have the running daemon read its policy file again, and wait until what it says is in force.
A policy with a problem changes nothing: the one before it stays in force, and every problem
is printed as FILE:LINE: key: what is wrong, what is allowed. The file is the one the daemon
was started with. [control] takes effect when the service is restarted. Modes that were set by
hand end. With --for the policy is on trial: the one before it comes back by itself after that
time, unless ebbgate confirm is called, or a reload without --for. A restart takes the policy
on disk. Only root may, and the user the daemon runs as: systemctl reload ebbgate runs this
command.

Exits 0 when the policy is in force, 1 if it is not known to be, 2 on a bad policy, 3 if no
daemon answers.`

const reloadExample = `  ebbgate check /etc/ebbgate/config.toml && ebbgate reload
  ebbgate reload --for 15m && ebbgate status && ebbgate confirm

  $ ebbgate reload
  /etc/ebbgate/config.toml:12: service[0].ports[0]: 70000 is not a port, must be 1 to 65535
  the policy is NOT reloaded: the one before it stays in force, with 2 services
  $ sudoedit /etc/ebbgate/config.toml
  $ ebbgate reload
  /etc/ebbgate/config.toml is in force, with 3 services`

func reloadCommand() *cobra.Command {
	var o answerOptions
	var length string
	c := &cobra.Command{
		Use:     "reload",
		Short:   "Load the policy again; a bad one changes nothing",
		Long:    reloadLong,
		Example: reloadExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			trial, err := trialOf(c, length)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			return reload(c, &o, trial)
		},
	}
	o.add(c)
	trialFlag(c, &length)
	return c
}

func reload(c *cobra.Command, o *answerOptions, trial time.Duration) error {
	r, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Reload, error) {
		return client.ReloadFor(ctx, trial)
	})
	if err != nil {
		return err
	}
	refusal := r.Refusal()
	switch {
	case refusal == nil:
		return show(c, o, r, control.WriteReload)
	case o.json:
		return errors.Join(writeJSON(c.OutOrStdout(), r), exitWith(exitUsage, errors.New("")))
	default:
		return exitWith(exitUsage, refusal)
	}
}
