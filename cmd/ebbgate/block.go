package main

import (
	"context"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

const blockLong = `Block an address or prefix while the daemon runs: in force at once, for exactly the time
given, 1h unless --for says otherwise and at most 720h. Every packet of it to the services
is dropped, new connections are answered as refuse_with says, and those it holds are
destroyed. Addresses within a prefix that are exempt are not touched. The same prefix
again replaces the block. It ends by itself, or by ebbgate unblock.

Refused is what would lock out this host or an administrator who is logged in, what is
exempt, and a service in shadow mode. Only root may.

Exits 0 when it is in force, 1 if it was refused, 2 on a command line that makes no
sense, 3 if no daemon answers.`

const blockExample = `  ebbgate block 203.0.113.7
  ebbgate block 198.51.100.0/22 --for 2h --service web --reason "scraper, ticket 4711"
  ebbgate block 2001:db8:7::/48 --for 7d

  $ ebbgate block 203.0.113.7 --reason scraper
  203.0.113.7 is blocked from service "web" for 1h00m; its connections there are destroyed`

func blockCommand() *cobra.Command {
	var o lastingOptions
	c := &cobra.Command{
		Use:     "block ADDR",
		Short:   "Block an address for a while, and destroy its connections",
		Long:    blockLong,
		Example: blockExample,
		Args:    oneOperand("an address or prefix"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := o.check(c, args[0], control.CheckBlockFor, control.CheckBlockable)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.BlockRequest{Prefix: args[0], For: control.Duration(d), Service: o.service, Reason: o.reason}
			return ordered(c, &o.answerOptions, control.WriteBlocked, func(client *control.Client, ctx context.Context) (*control.Blocked, error) {
				return client.Block(ctx, request)
			})
		},
	}
	o.add(c, control.DefaultBlockFor)
	return c
}
