package main

import (
	"context"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

func explainCommand() *cobra.Command {
	var o answerOptions
	c := &cobra.Command{
		Use:   "explain ADDR",
		Short: "Say everything that holds for an address, and why",
		Long: `Say everything that holds for an address at each service, and why: what its connections
count for, what it holds and opens against which limit, whether and why it is exempt, the
limits, blocks and strikes in force with their time left, and what would happen next.
Exits 3 if no daemon answers.`,
		Example: "  ebbgate explain 203.0.113.7\n  ebbgate explain 2001:db8:7::1 --json | jq '.services[] | {service, held, max, blocks}'",
		Args:    oneOperand("an address"),
		RunE: func(c *cobra.Command, args []string) error {
			addr, err := control.ParseAddr(args[0])
			if err != nil {
				return exitWith(exitUsage, err)
			}
			e, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Explanation, error) {
				return client.Explain(ctx, addr)
			})
			if err != nil {
				return err
			}
			return show(c, &o, e, control.WriteExplanation)
		},
	}
	o.add(c)
	return c
}
