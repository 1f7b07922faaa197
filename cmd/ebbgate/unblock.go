package main

import (
	"context"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

const unblockLong = `Free an address or prefix at once: every block and limit of it ends, and of all sources
within it, whoever ordered them, and their strikes are forgiven. From then on they are judged
anew: who goes on as before is limited again, and blocked again. ebbgate exempt keeps an
address free whatever it does. A block of a prefix around it goes on, and is named.
Only root may.

Exits 0 when something was freed, 1 if there was nothing to free, 2 on a command line that
makes no sense, 3 if no daemon answers.`

const unblockExample = `  ebbgate unblock 203.0.113.7
  ebbgate unblock 198.51.100.0/24 --service web
  ebbgate unblock 0.0.0.0/0            # everybody`

func unblockCommand() *cobra.Command {
	var o orderOptions
	c := &cobra.Command{
		Use:     "unblock ADDR",
		Short:   "End the blocks and limits of an address or prefix",
		Long:    unblockLong,
		Example: unblockExample,
		Args:    oneOperand("an address or prefix"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOrder(c, args[0]); err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.UnblockRequest{Prefix: args[0], Service: o.service}
			return ordered(c, &o.answerOptions, control.WriteUnblocked, func(client *control.Client, ctx context.Context) (*control.Blocked, error) {
				return client.Unblock(ctx, request)
			})
		},
	}
	o.add(c)
	return c
}
