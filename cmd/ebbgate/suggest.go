package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/daemon"
	"ebbgate/internal/suggest"
	"ebbgate/policy"
)

// suggestFlags are the flags of suggest.
type suggestFlags struct {
	length    time.Duration
	recording string
	config    string
	asJSON    bool
}

// Bounds of --for.
const (
	shortestSuggest = time.Second
	longestSuggest  = 24 * time.Hour
)

const suggestLong = `Watch this host, or read a recording of the daemon ("ebbgate run --record FILE"), and propose
limits from what is normal here, as the snippet of a policy with the figures as comments. No
daemon is needed; nothing is changed. Watch while things are normal and busy: at noon rather
than at night, and not during an attack. Ctrl-C ends it early and proposes from what was seen.

Proposed for each service of the policy, or without a policy for each program that listens:
connections per source and per network with headroom over what was sustained, completed
connections and SYNs a second, and capacity from the files its processes may open. Sources far
beyond all others are named as likely proxies and left out of the limits. Where too little
was seen nothing is proposed, and the snippet says so. Root sees all processes and connections
that end; what could not be seen is named.

Exits 0 whatever it finds, 1 on a failure, 2 on bad usage or a bad policy.`

func suggestCommand() *cobra.Command {
	var f suggestFlags
	c := &cobra.Command{
		Use:   "suggest",
		Short: "Propose limits from what is normal here",
		Long:  suggestLong,
		Example: `  ebbgate suggest                                          watch for ten minutes
  ebbgate suggest --for 2h > suggested.toml
  ebbgate suggest --recording /var/lib/ebbgate/record
  ebbgate suggest --json | jq '.services[] | {service, per_source}'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := f.check(c)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			var out *suggest.Proposal
			if f.recording != "" {
				out, err = suggestFrom(f.recording, p)
			} else {
				out, err = suggestLive(c.Context(), c.ErrOrStderr(), f.length, p)
			}
			if err != nil {
				return err
			}
			return f.write(c.OutOrStdout(), out, p == nil)
		},
	}
	lengthVar(c.Flags(), &f.length, "for", 10*time.Minute, "watch for this `DURATION`, 1s to 24h")
	c.Flags().StringVar(&f.recording, "recording", "", "read the recording `FILE` instead of watching")
	c.Flags().StringVar(&f.config, "config", "", "a policy `FILE` with the services ("+defaultPolicy+" if it is there)")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return c
}

// check reads what the flags name; p is nil where there is no policy.
func (f *suggestFlags) check(c *cobra.Command) (p *policy.Policy, err error) {
	var errs []error
	if err := refuseEmpty(c.Flags()); err != nil {
		errs = append(errs, err)
	}
	if f.recording != "" && c.Flags().Changed("for") {
		errs = append(errs, fmt.Errorf("--for %s: is for watching live; a recording is read whole, so leave out one of --for and --recording", f.length))
	}
	if f.length < shortestSuggest || f.length > longestSuggest {
		errs = append(errs, fmt.Errorf("--for %s: must be between %s and %s", f.length, shortestSuggest, longestSuggest))
	}
	path := f.config
	if path == "" {
		path = defaultPolicy
	}
	p, _, err = daemon.ReadPolicy(path)
	if f.config == "" && errors.Is(err, fs.ErrNotExist) {
		p, err = nil, nil
	}
	return p, errors.Join(append(errs, err)...)
}

// write prints the proposal; whole makes its TOML a policy that stands by itself.
func (f *suggestFlags) write(w io.Writer, p *suggest.Proposal, whole bool) error {
	p.Render(time.Local, whole)
	if f.asJSON {
		return writeJSON(w, p)
	}
	if _, err := io.WriteString(w, p.TOML); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write proposal: %w", err))
	}
	return nil
}

// progress shows on a terminal how far watching has come, in one line that is written over.
type progress struct {
	w     io.Writer
	shown bool
}

func newProgress(w io.Writer) *progress {
	if !onTerminal(w) {
		return nil
	}
	return &progress{w: w}
}

// show writes the line. What cannot be shown is no reason to stop watching.
func (p *progress) show(gone, length time.Duration, c *suggest.Collector) {
	if p == nil {
		return
	}
	censuses, sources := c.Progress()
	fmt.Fprintf(p.w, "\r%s of %s: %s, %s; Ctrl-C proposes from these%s", lengthText(gone.Truncate(time.Second)), lengthText(length),
		number(censuses, "census", "censuses"), number(sources, "source", "sources"), eraseLine)
	p.shown = true
}

// end removes the line.
func (p *progress) end() {
	if p != nil && p.shown {
		fmt.Fprint(p.w, "\r"+eraseLine)
	}
}
