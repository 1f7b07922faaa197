package main

import (
	"context"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

const exemptLong = `Make an address or prefix exempt while the daemon runs: it is neither refused nor limited,
closed or blocked any more, and what held it back is gone when the command returns. What
protects the host as a whole, like SYN cookies, still applies to it. Without --for it is
24h, at most 720h; what is to last belongs into exempt.prefixes of the policy file. The
same prefix and service again replaces the exemption. Only root may.

Exits 0 when it is in force, 1 if it was refused, 2 on a command line that makes no
sense, 3 if no daemon answers.`

const exemptExample = `  ebbgate exempt 203.0.113.7
  ebbgate exempt 198.51.100.0/24 --for 2h --service web --reason "office, ticket 4711"
  ebbgate exempt 2001:db8:7::/48 --for 7d`

func exemptCommand() *cobra.Command {
	var o lastingOptions
	c := &cobra.Command{
		Use:     "exempt ADDR",
		Short:   "Make an address exempt for a while, and free it at once",
		Long:    exemptLong,
		Example: exemptExample,
		Args:    oneOperand("an address or prefix"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := o.check(c, args[0], control.CheckExemptFor, control.CheckWidth)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.ExemptRequest{Prefix: args[0], For: control.Duration(d), Service: o.service, Reason: o.reason}
			return ordered(c, &o.answerOptions, control.WriteExempted, func(client *control.Client, ctx context.Context) (*control.Exempted, error) {
				return client.Exempt(ctx, request)
			})
		},
	}
	o.add(c, control.DefaultExemptFor)
	return c
}
