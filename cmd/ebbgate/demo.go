package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ebbgate/internal/demo"
)

func demoCommand() *cobra.Command {
	var asJSON, stay bool
	attack := attackKind(demo.DefaultKind)
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a real flood being stopped, in private network namespaces",
		Long: `Play an attack against a small server, with this very daemon protecting it, in
network namespaces made for the purpose. Nothing of this host is touched and nothing is
left behind, whatever ends the play. It takes about a minute and needs root. With --stay the
attack goes on until Ctrl-C, so that you can try the other commands on it.

The kinds of attack:
` + demo.KindsText(),
		Example: "  ebbgate demo\n  ebbgate demo --attack churn\n  ebbgate demo --stay\n  ebbgate demo --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if stay && asJSON {
				return exitWith(exitUsage, errors.New("--stay has no summary to print as JSON: leave out one of --stay and --json"))
			}
			return playDemo(c.Context(), c.OutOrStdout(), demo.Options{Attack: string(attack), Stay: stay}, asJSON)
		},
	}
	c.Flags().Var(&attack, "attack", "the kind of attack to play")
	// It fails only for a flag that does not exist or has a completion already.
	_ = c.RegisterFlagCompletionFunc("attack", cobra.FixedCompletions(demo.Kinds(), cobra.ShellCompDirectiveNoFileComp))
	c.Flags().BoolVar(&stay, "stay", false, "let the attack go on until Ctrl-C, to ask ebbgate about it meanwhile")
	c.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON, without the timeline")
	return c
}

// attackKind is a flag that takes one of the kinds the demo can play.
type attackKind string

func (a *attackKind) String() string { return string(*a) }
func (a *attackKind) Type() string   { return "KIND" }

func (a *attackKind) Set(name string) error {
	if !slices.Contains(demo.Kinds(), name) {
		return fmt.Errorf("must be one of %s", strings.Join(demo.Kinds(), ", "))
	}
	*a = attackKind(name)
	return nil
}

// lastWriter calls end when nobody takes what is written any more.
type lastWriter struct {
	w   io.Writer
	end func()
}

func (l *lastWriter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if err != nil {
		l.end()
	}
	return n, err
}

func playDemo(ctx context.Context, w io.Writer, o demo.Options, asJSON bool) error {
	program, err := os.Executable()
	if err != nil {
		return exitWith(exitRuntime, fmt.Errorf("find this program: %w", err))
	}
	// A terminal that is closed, or a reader that has seen enough, ends the play as Ctrl-C does:
	// cleaning up. SIGPIPE itself says nothing: it comes for every connection that is cut, too.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.Program, o.Out, o.Live, o.Color = program, &lastWriter{w, cancel}, onTerminal(w), coloured(w)
	if asJSON {
		o.Out = io.Discard
	}
	r, err := demo.Run(ctx, o)
	switch {
	case errors.Is(err, context.Canceled) && o.Stay:
		fmt.Fprintln(w, "ended; nothing is left behind")
		return nil
	case errors.Is(err, context.Canceled):
		return exitWith(exitRuntime, errors.New("ended early; nothing is left behind"))
	case err != nil:
		return exitWith(exitRuntime, err)
	case !asJSON:
		return r.Print(w)
	}
	return writeJSON(w, demoJSONOf(r))
}
