package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/internal/demo"
)

// demoJSON is the JSON form of the demo's summary. Times are seconds after the onset of the flood
// unless the name says otherwise.
type demoJSON struct {
	ServedBare      int     `json:"served_without"` // requests while the flood went on and nothing answered it
	FailedBare      int     `json:"failed_without"`
	FirstRule       float64 `json:"first_rule"`
	Interrupted     bool    `json:"interrupted"`
	ServedAgain     float64 `json:"served_again"`
	FailedBefore    int     `json:"failed_before"`
	ServedDuring    int     `json:"served_during"`
	FailedDuring    int     `json:"failed_during"`
	Attempts        uint64  `json:"attempts"`
	Refused         uint64  `json:"refused"`
	Cut             uint64  `json:"cut"`
	MostHeld        int     `json:"most_held"`
	CleanAfterFlood float64 `json:"clean_after_flood"`
	Clean           bool    `json:"clean"`
}

func demoCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a real flood being stopped, in private network namespaces",
		Long: `Play a connection flood against a small server, with this very daemon protecting it, in
network namespaces made for the purpose. Nothing of this host is touched and nothing is
left behind, whatever ends the play. It takes about a minute and needs root.`,
		Example: "  ebbgate demo\n  ebbgate demo --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return playDemo(c.Context(), c.OutOrStdout(), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON, without the timeline")
	return c
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

func playDemo(ctx context.Context, w io.Writer, asJSON bool) error {
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
	o := demo.Options{Program: program, Out: &lastWriter{w, cancel}, Live: onTerminal(w), Color: coloured(w)}
	if asJSON {
		o.Out = io.Discard
	}
	r, err := demo.Run(ctx, o)
	switch {
	case errors.Is(err, context.Canceled):
		return exitWith(exitRuntime, errors.New("ended early; nothing is left behind"))
	case err != nil:
		return exitWith(exitRuntime, err)
	case !asJSON:
		return r.Print(w)
	}
	seconds := func(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
	return writeJSON(w, demoJSON{r.Bare.Succeeded, r.Bare.Failed, seconds(r.FirstRule), r.Interrupted, seconds(r.ServedAgain), r.Lost, r.During.Succeeded, r.During.Failed,
		r.Attempts, r.Refused, r.Cut, r.Most, seconds(r.Clean), r.Peace})
}
