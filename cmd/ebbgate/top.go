package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/internal/top"
)

const topLong = `Show on the whole terminal, every second anew, whether there is an attack and of what kind, whether
the services are served, who holds most of them, what is done about it and how long that lasts.
Keys move between services, sources, attacks and what is in force, sort and filter, say why an
address is treated as it is, and, for root, block, unblock and exempt it or change a service's
mode, after a question. ? lists them. While the daemon does not answer, the last picture stays.

Exits 0 when you quit, 2 where there is no terminal to show it on, 3 if no daemon answers.`

const topExample = `  ebbgate top
  ebbgate top --every 250ms
  ebbgate top                  then 2, / 203.0.113. and w: why are these refused?`

func topCommand() *cobra.Command {
	var socket string
	var every time.Duration
	c := &cobra.Command{
		Use:     "top",
		Short:   "Watch services, sources and attacks live, and act",
		Long:    topLong,
		Example: topExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if every < top.Shortest || every > top.Longest {
				return exitWith(exitUsage, fmt.Errorf("--every: %s is out of range; it must be %s to %s", every, top.Shortest, top.Longest))
			}
			if err := showable(onTerminal(os.Stdin) && onTerminal(c.OutOrStdout()), os.Getenv("TERM")); err != nil {
				return exitWith(exitUsage, err)
			}
			return watchTop(c, socket, every)
		},
	}
	socketFlag(c, &socket)
	lengthVar(c.Flags(), &every, "every", time.Second, "a new picture each `DURATION`, 250ms to 10s")
	return c
}

// showable says why the view cannot be shown, and what else there is.
func showable(terminal bool, kind string) error {
	const instead = "ebbgate status and ebbgate sources print a picture that can go anywhere"
	switch {
	case !terminal:
		return errors.New("top needs a terminal for input and output; " + instead)
	case kind == "" || kind == "dumb":
		return fmt.Errorf("top cannot move the cursor of a terminal of the kind TERM=%q; %s", kind, instead)
	}
	return nil
}

// watchTop asks once before it takes the terminal, so that what keeps it from asking is said as everywhere
// else.
func watchTop(c *cobra.Command, socket string, every time.Duration) error {
	if _, err := ask(c.Context(), socket, (*control.Client).Status); hopeless(err) {
		return err
	}
	client := control.Dial(socket)
	defer client.Close()
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	m := top.New(top.Config{Daemon: client, Now: time.Now, Every: every, WhyNot: whyNoOrders(os.Geteuid()),
		Color: os.Getenv("NO_COLOR") == "", ASCII: !unicodeTerminal(os.Getenv)})
	if err := top.Run(ctx, m, os.Stdin, os.Stdout); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
}

// hopeless reports whether an error is one that waiting does not mend: a daemon that is about to start is
// shown as soon as it has something to say.
func hopeless(err error) bool {
	var refusal *control.Error
	return err != nil && (!errors.As(err, &refusal) || refusal.Kind != control.KindStarting)
}

// whyNoOrders says why a user may only look; empty: he may do more.
func whyNoOrders(uid int) string {
	if uid == 0 {
		return ""
	}
	return "only root may change what the daemon does: sudo ebbgate top"
}

// unicodeTerminal reports whether the locale says that the terminal shows more than ASCII, in the order of
// locale(7). The Linux console's fonts lack most of it, whatever the locale.
func unicodeTerminal(env func(string) string) bool {
	if env("TERM") == "linux" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := env(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
