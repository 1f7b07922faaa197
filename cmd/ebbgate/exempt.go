package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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
	var o orderOptions
	var length, reason string
	c := &cobra.Command{
		Use:     "exempt ADDR",
		Short:   "Make an address exempt for a while, and free it at once",
		Long:    exemptLong,
		Example: exemptExample,
		Args:    oneOperand("an address or prefix"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := parseLength(length)
			if err == nil {
				err = control.CheckExemptFor(d)
			}
			if err != nil {
				err = fmt.Errorf("--for: %w", err)
			}
			if rerr := control.CheckReason(reason); rerr != nil {
				err = errors.Join(err, fmt.Errorf("--reason: %w", rerr))
			}
			if prefix, perr := control.ParsePrefix(args[0]); perr != nil {
				err = errors.Join(err, perr)
			} else if perr := control.CheckWidth(prefix); perr != nil {
				err = errors.Join(err, perr)
			}
			if err = errors.Join(err, refuseEmpty(c.Flags())); err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.ExemptRequest{Prefix: args[0], For: control.Duration(d), Service: o.service, Reason: reason}
			return ordered(c, &o.answerOptions, control.WriteExempted, func(client *control.Client, ctx context.Context) (*control.Exempted, error) {
				return client.Exempt(ctx, request)
			})
		},
	}
	o.add(c)
	c.Flags().StringVar(&length, "for", "24h", "for this `DURATION`, like 90m, 24h or 7d")
	c.Flags().StringVar(&reason, "reason", "", "why: a `TEXT` for whoever looks next")
	return c
}

// parseLength reads a duration as Go writes it, or a number of days.
func parseLength(text string) (time.Duration, error) {
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length of time; it must be like 90m, 24h or 7d", text)
	}
	return d, nil
}
