package main

import (
	"time"

	"github.com/spf13/cobra"

	"ebbgate/internal/notify"
)

// notifyOptions are the flags of notify.
type notifyOptions struct {
	socket, state       string
	command             []string
	webhook, webhookKey string // the key is the name of a credential
	tokenKey            string
	format              string
	events, services    []string
	timeout, giveUp     time.Duration
	flap, interval      time.Duration
	unreachable         time.Duration
	burst, atOnce       int
	fromStart, test     bool
}

func (o *notifyOptions) add(c *cobra.Command) {
	socketFlag(c, &o.socket)
	f := c.Flags()
	f.StringVar(&o.webhook, "webhook", "", "post to this `URL`; one that is a secret is a credential")
	f.StringVar(&o.webhookKey, "webhook-credential", "", "post to the URL in the credential `NAME`")
	f.StringVar(&o.tokenKey, "token-credential", "", "send the token in the credential `NAME` (Bearer)")
	f.StringVar(&o.format, "format", o.format, "send this `FORMAT`: json, slack, text or mail")
	f.StringSliceVar(&o.events, "events", o.events, "which `EVENTS` to tell of")
	f.StringSliceVar(&o.services, "service", nil, "only of this `SERVICE`, and what is of none; can be repeated")
	lengthVar(f, &o.timeout, "timeout", 30*time.Second, "`DURATION` one run or request may take")
	lengthVar(f, &o.giveUp, "give-up-after", time.Hour, "`DURATION` to try again what fails for a while")
	lengthVar(f, &o.unreachable, "unreachable-after", 30*time.Second, "`DURATION` without answer until that is told")
	lengthVar(f, &o.flap, "flap", 2*time.Minute, "`DURATION` to hold back the like of what was told")
	f.IntVar(&o.burst, "burst", 5, "`N` at once, the last with all that waits")
	lengthVar(f, &o.interval, "interval", time.Minute, "`DURATION` between notifications after a burst")
	f.IntVar(&o.atOnce, "at-once", 1, "`N` runs or requests at a time; 1: they are in order")
	f.StringVar(&o.state, "state", "", "`FILE` of what was told (default $STATE_DIRECTORY/told.json)")
	f.BoolVar(&o.fromStart, "from-start", false, "in the first run, tell of what happened before it as well")
	f.BoolVar(&o.test, "test", false, "send one test now, and say what became of it")
	// It fails only for a flag that does not exist or has a completion already.
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp))
}

func formatNames() []string {
	var names []string
	for _, f := range notify.Formats() {
		names = append(names, string(f))
	}
	return names
}
