package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

const modeLong = `Change the mode of a service, or of all, while the daemon runs: shadow passes every packet
from the moment the command returns, enforce acts. Without --for it holds until the policy is
loaded again or the daemon is restarted. With --for it goes back by itself, unless ebbgate
confirm is called. What is blocked or limited is remembered meanwhile.

Without an operand the modes that hold are printed. Only root may change them.

Exits 0 when it is in force, 1 if it was refused or there is no such service, 2 on a command
line that makes no sense, 3 if no daemon answers.`

const modeExample = `  ebbgate mode shadow                          # let everybody through, now
  ebbgate mode enforce --service web --for 15m # try it
  ebbgate confirm                              # keep it

  $ ebbgate mode
  web is in enforce mode by hand for 14m51s more, then in shadow mode again; ebbgate confirm
    lets it stay`

func modeCommand() *cobra.Command {
	var o orderOptions
	var length string
	c := &cobra.Command{
		Use:       "mode [shadow|enforce]",
		Short:     "Show the modes, or change them, for a while or until the next reload",
		Long:      modeLong,
		Example:   modeExample,
		Args:      atMostOneOperand("a mode, shadow or enforce"),
		ValidArgs: []string{policy.Shadow.String(), policy.Enforce.String()},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return showModes(c, &o)
			}
			var mode policy.Mode
			err := mode.UnmarshalText([]byte(args[0]))
			trial, terr := trialOf(c, length)
			if err = errors.Join(err, terr, refuseEmpty(c.Flags())); err != nil {
				return exitWith(exitUsage, err)
			}
			request := control.ModeRequest{Mode: mode, Service: o.service, For: control.Duration(trial)}
			return ordered(c, &o.answerOptions, control.WriteModed, func(client *control.Client, ctx context.Context) (*control.Moded, error) {
				return client.Mode(ctx, request)
			})
		},
	}
	o.add(c)
	trialFlag(c, &length)
	return c
}

// trialFlag adds the flag by which a change goes back by itself.
func trialFlag(c *cobra.Command, length *string) {
	c.Flags().StringVar(length, "for", "", "go back by itself after this `DURATION`, like 15m, unless confirmed")
}

// trialOf reads that flag; 0: it was not given.
func trialOf(c *cobra.Command, text string) (time.Duration, error) {
	if !c.Flags().Changed("for") {
		return 0, nil
	}
	d, err := parseLength(text)
	if err == nil {
		err = control.CheckTrial(d)
	}
	if err != nil {
		return 0, fmt.Errorf("--for: %w", err)
	}
	return d, nil
}

// showModes prints the modes that hold.
func showModes(c *cobra.Command, o *orderOptions) error {
	if err := refuseEmpty(c.Flags()); err != nil {
		return exitWith(exitUsage, err)
	}
	if c.Flags().Changed("for") {
		return exitWith(exitUsage, errors.New("--for needs a mode, shadow or enforce: "+usageOf(c)))
	}
	s, err := ask(c.Context(), o.socket, (*control.Client).Status)
	if err != nil {
		return err
	}
	shown, err := control.ModesShown(s, o.service)
	if err != nil {
		return exitWith(exitRuntime, err)
	}
	return show(c, &o.answerOptions, shown, control.WriteModed)
}
