package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

func attacksCommand() *cobra.Command {
	var o answerOptions
	var some someAttacks
	var page reportFlags
	c := &cobra.Command{
		Use:   "attacks [ID]",
		Short: "List attacks now and past, or tell one of them in the order of time",
		Long: fmt.Sprintf(`List the attacks that are open and the %d that ended last, the newest first, or with flags
those the flags ask for. What ended is kept for as long as history.keep of the policy says,
also over restarts. With an ID it tells that one: by what it was recognised, each change of the
answer with its reason, its peaks, where it came from and how it ended.

With --html it writes that as a page for a browser, with plots of how it went, that stands by
itself: one file without scripts, for whoever must be told. It is readable by you only, for it
holds addresses of clients. A file that exists is replaced with --force only.
Attacks may be of services that the policy has no more: that none matches is said, and exits 0.
Exits 1 if there is no attack of that ID, 3 if no daemon answers.`, control.MaxEnded),
		Example: "  ebbgate attacks\n  ebbgate attacks 3\n  ebbgate attacks 3 --html attack-3.html\n  ebbgate attacks --service web --since 24h\n  ebbgate attacks --before 400 --limit 50\n  ebbgate attacks --open --kind connection-flood\n  ebbgate attacks --json | jq '.attacks[] | select(.ended == null) | {id, kind, service}'",
		Args:    atMostOneOperand("an ID"),
		RunE: func(c *cobra.Command, args []string) error {
			request, err := some.request(c, len(args) > 0, time.Now())
			if err := errors.Join(err, page.check(c, len(args) > 0, o.json)); err != nil {
				return exitWith(exitUsage, err)
			}
			if len(args) == 0 {
				all, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Attacks, error) {
					return client.AttacksOf(ctx, request)
				})
				if err != nil {
					return err
				}
				return show(c, &o, all, some.write(c, request))
			}
			n, err := control.ParseAttackID(args[0])
			if err != nil {
				return exitWith(exitUsage, err)
			}
			id := strconv.FormatUint(n, 10)
			if page.html != "" {
				return page.write(c, o.socket, id)
			}
			return showAttack(c, &o, id)
		},
	}
	o.add(c)
	some.add(c)
	page.add(c)
	return c
}

func showAttack(c *cobra.Command, o *answerOptions, id string) error {
	one, err := ask(c.Context(), o.socket, func(client *control.Client, ctx context.Context) (*control.Attack, error) {
		return client.Attack(ctx, id)
	})
	if err != nil {
		return err
	}
	return show(c, o, one, control.WriteAttack)
}
