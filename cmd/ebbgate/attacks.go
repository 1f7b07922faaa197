package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

func attacksCommand() *cobra.Command {
	var o answerOptions
	var some someAttacks
	c := &cobra.Command{
		Use:   "attacks [ID]",
		Short: "List attacks now and past, or tell one of them in the order of time",
		Long: fmt.Sprintf(`List the attacks that are open and the %d that ended last, the newest first, or with flags
those the flags ask for. What ended is kept for as long as history.keep of the policy says,
also over restarts. With an ID it tells that one: by what it was recognised, each change of the
answer with its reason, its peaks, where it came from and how it ended. Exits 1 if there is
no attack of that ID, 3 if no daemon answers.`, control.MaxEnded),
		Example: "  ebbgate attacks\n  ebbgate attacks 3\n  ebbgate attacks --service web --since 24h\n  ebbgate attacks --before 400 --limit 50\n  ebbgate attacks --open --kind connection-flood\n  ebbgate attacks --json | jq '.attacks[] | select(.ended == null) | {id, kind, service}'",
		Args:    atMostOneOperand("an ID"),
		RunE: func(c *cobra.Command, args []string) error {
			request, err := some.request(c, len(args) > 0, time.Now())
			if err != nil {
				return exitWith(exitUsage, err)
			}
			if len(args) == 0 {
				all, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Attacks, error) {
					return client.AttacksOf(ctx, request)
				})
				if err != nil {
					return err
				}
				return show(c, &o, all, some.write(request))
			}
			n, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || n == 0 {
				return exitWith(exitUsage, fmt.Errorf("%q is not the ID of an attack; it must be a number of 1 or more, as ebbgate attacks shows", args[0]))
			}
			one, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Attack, error) {
				return client.Attack(ctx, strconv.FormatUint(n, 10))
			})
			if err != nil {
				return err
			}
			return show(c, &o, one, control.WriteAttack)
		},
	}
	o.add(c)
	some.add(c)
	return c
}
