package main

import (
	"github.com/spf13/cobra"

	"ebbgate/control"
)

func confirmCommand() *cobra.Command {
	var o answerOptions
	c := &cobra.Command{
		Use:   "confirm",
		Short: "Let a mode or a policy stay that would go back by itself",
		Long: `Let everything stay that is on trial: the modes that ebbgate mode --for set, until the next
reload or restart, and the policy that ebbgate reload --for loaded, for good. Only root may.

Exits 0 when it stays, 1 if nothing is on trial, 3 if no daemon answers.`,
		Example: "  ebbgate reload --for 15m\n  ebbgate status\n  ebbgate confirm",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ordered(c, &o, control.WriteConfirmed, (*control.Client).Confirm)
		},
	}
	o.add(c)
	return c
}
