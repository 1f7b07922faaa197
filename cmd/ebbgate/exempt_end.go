package main

import (
	"context"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

func unexemptCommand() *cobra.Command {
	var o orderOptions
	c := &cobra.Command{
		Use:   "unexempt ADDR",
		Short: "End an exemption that was given by hand",
		Long: `End an exemption that ebbgate exempt gave. ADDR and --service must be those it was given
with; ebbgate status lists them. From then on the address is counted and limited like any
other. Those of the policy file end with their line in exempt.prefixes. Only root may.

Exits 0 when it has ended, 1 if there was none, 2 on a command line that makes no sense,
3 if no daemon answers.`,
		Example: "  ebbgate unexempt 203.0.113.7\n  ebbgate unexempt 198.51.100.0/24 --service web",
		Args:    oneOperand("an address or prefix"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOrder(c, args[0]); err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.UnexemptRequest{Prefix: args[0], Service: o.service}
			return ordered(c, &o.answerOptions, control.WriteUnexempted, func(client *control.Client, ctx context.Context) (*control.Exempted, error) {
				return client.Unexempt(ctx, request)
			})
		},
	}
	o.add(c)
	return c
}
