package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ebbgate/internal/escape"
)

// Exit statuses, as the documentation promises them to scripts.
const (
	exitOK          = 0
	exitRuntime     = 1 // something went wrong while running
	exitUsage       = 2 // a bad policy, or a command line that makes no sense
	exitUnreachable = 3 // the daemon cannot be reached
)

// exitError carries an exit status with an error.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func exitWith(status int, err error) error { return &exitError{status, err} }

// execute runs one command line and returns its exit status. Errors go to stderr, once.
func execute(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	out := &output{w: stdout}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	var exit *exitError
	if out.err != nil && !errors.As(err, &exit) {
		err = out.failure()
	}
	if err == nil {
		return exitOK
	}
	if !errors.As(err, &exit) {
		// What cobra itself refuses is the command line.
		exit = &exitError{exitUsage, fmt.Errorf("%w\nebbgate --help lists the commands and their flags", err)}
	}
	if text := exit.Error(); text != "" {
		fmt.Fprintln(stderr, fold(stderr, escape.Lines(text)))
	}
	return exit.status
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ebbgate",
		Short: "Keep a server answering while somebody tries to exhaust its connections",
		Long: `ebbgate watches how many connections each source holds of your services, and puts
temporary limits into the kernel (nftables) while somebody holds too many. The limits
end by themselves when the attack does.

Try it without touching this host:   ebbgate demo
See what the kernel counts now:      ebbgate census
Check a policy:                      ebbgate check /etc/ebbgate/config.toml
Ask a running daemon:                ebbgate status
Ask why an address is refused:       ebbgate explain 203.0.113.7`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(), checkCommand(), statusCommand(), topCommand(), sourcesCommand(), attacksCommand(), eventsCommand(), explainCommand(), exemptCommand(),
		unexemptCommand(), blockCommand(), unblockCommand(), modeCommand(), confirmCommand(), reloadCommand(),
		rulesetCommand(), censusCommand(), closeCommand(), auditCommand(),
		suggestCommand(), importCommand(), replayCommand(), demoCommand(), notifyCommand(), versionCommand())
	completing(root)
	return root
}
