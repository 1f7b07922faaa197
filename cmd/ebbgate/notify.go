package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/internal/notify"
	"ebbgate/systemd"
)

const notifyLong = `Tell somebody when an attack begins, changes or ends, and when the daemon does not work or cannot
be reached: by a command, which is run for each notification with the event as JSON on its
standard input and never through a shell, or by a webhook, to which it is posted. It is a process
of its own without privilege, as the daemon executes nothing; ebbgate-notify.service runs it.

--events takes classes or single kinds of events: attacks (began, ended), changes (of the response,
and bounds that are met), daemon (what does not work, or cannot be reached), orders (by hand), runs
(the daemon starts or stops), sources (each limit and block), all, or kinds such as source-blocked.

After a burst what comes is told together, once an interval; what repeats within --flap is told at
the end of it; and what was told is remembered over restarts. Secrets come as credentials
(LoadCredential= of the service), never on the command line.

Runs until it is stopped, and exits 0 then; 1 on a failure, 2 on a command line that makes no sense.
With --test it sends one event and exits 0 if that was taken, 1 if not. SIGUSR1 sends one as well.
docs/notify.md has the JSON, the variables of a command, and examples for mail and chat.`

const notifyExample = `  ebbgate notify --test --format mail -- /usr/sbin/sendmail -oi root
  ebbgate notify --events attacks,daemon -- /usr/local/sbin/page-somebody
  ebbgate notify --webhook-credential url --format slack
  ebbgate notify --webhook https://hooks.example.org/ebbgate --token-credential token`

func notifyCommand() *cobra.Command {
	o := notifyOptions{format: string(notify.JSON), events: notify.DefaultEvents()}
	c := &cobra.Command{
		Use:     "notify [-- COMMAND [ARG...]]",
		Short:   "Run a command or call a webhook when an attack begins, changes or ends",
		Long:    notifyLong,
		Example: notifyExample,
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			o.command = args
			return runNotify(c, &o)
		},
	}
	o.add(c)
	return c
}

// runNotify runs until a signal ends it.
func runNotify(c *cobra.Command, o *notifyOptions) error {
	signal.Ignore(syscall.SIGPIPE)
	handler, flush := systemd.LogHandler(c.ErrOrStderr(), slog.LevelInfo)
	defer flush()
	config, err := o.config(slog.New(handler))
	if err != nil {
		return exitWith(exitUsage, fmt.Errorf("%w\nebbgate notify --help shows examples", err))
	}
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if o.test {
		return testNotify(ctx, c, config)
	}
	client := control.Dial(o.socket)
	defer client.Close()
	config.Source = client
	config.Test = signalled(syscall.SIGUSR1)
	ready(config.Log)
	if err := notify.Run(ctx, config); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
}

func testNotify(ctx context.Context, c *cobra.Command, config notify.Config) error {
	sent, err := notify.SendTest(ctx, &config)
	if err != nil {
		return exitWith(exitRuntime, err)
	}
	fmt.Fprintf(c.OutOrStdout(), "sent: %s\n", sent.Text)
	return nil
}

// ready tells the service manager, where there is one, that signals are heeded.
func ready(log *slog.Logger) {
	notifier, err := systemd.NewNotifier()
	if err == nil {
		err = notifier.Ready()
	}
	if err != nil {
		log.Warn("service manager", "error", err)
	}
}
