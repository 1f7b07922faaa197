package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/daemon"
	"ebbgate/policy"
	"ebbgate/recording"
)

func replayCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run a recording against a policy and print what would have been decided",
		Long: `Run what the daemon saw ("ebbgate run --record FILE") through a policy and print the
decisions: the transitions, or with --json every decision, one a line. Under the policy it was
recorded with, the decisions must be the same to the byte; exits 1 if they are not. Under another
policy it says where they first part.`,
		Example: "  ebbgate replay /var/lib/ebbgate/record --config stricter.toml",
		Args:    oneOperand("a recording"),
		RunE: func(c *cobra.Command, args []string) error {
			return replay(c.OutOrStdout(), args[0], path, asJSON)
		},
	}
	c.Flags().StringVar(&path, "config", defaultPolicy, "the policy `FILE` to decide by")
	c.Flags().BoolVar(&asJSON, "json", false, "print every decision as JSON, one a line")
	return c
}

func replay(w io.Writer, file, policyPath string, asJSON bool) error {
	p, src, err := daemon.ReadPolicy(policyPath)
	if err != nil {
		return exitWith(exitUsage, err)
	}
	f, err := os.Open(file)
	if err != nil {
		return exitWith(exitUsage, fmt.Errorf("read recording: %w", err))
	}
	defer f.Close()
	r, err := recording.NewReader(f)
	if err != nil {
		return exitWith(exitUsage, err)
	}
	v := viewer{w: w, json: asJSON, same: recording.HashPolicy(src) == r.Header.PolicyHash}
	err = recording.Replay(r, p, v.show)
	if errors.Is(err, recording.ErrTruncated) {
		// As after a crash, or while the daemon is still writing: what came before counts.
		v.truncated, err = true, nil
	}
	if err = errors.Join(err, v.err); err != nil {
		return exitWith(exitRuntime, err)
	}
	return v.finish()
}

// viewer prints the outcomes of a replay.
type viewer struct {
	w         io.Writer
	json      bool
	same      bool // the policy is the one of the recording
	truncated bool
	turns     int
	start     policy.Instant
	other     *recording.Outcome // the first decision that differs
	err       error
}

func (v *viewer) show(o recording.Outcome) bool {
	v.turns = o.Turn
	if o.Turn == 1 {
		v.start = o.Decision.At
	}
	if !o.Same && v.other == nil {
		v.other = &o
	}
	if v.json {
		v.err = json.NewEncoder(v.w).Encode(o.Decision)
		return v.err == nil
	}
	for _, e := range o.Decision.Events {
		if _, v.err = fmt.Fprintln(v.w, v.event(&e)); v.err != nil {
			return false
		}
	}
	return true
}

// event is one transition in words.
func (v *viewer) event(e *policy.Event) string {
	text := fmt.Sprintf("%10s  %-13s %s", v.since(e.At), e.Kind, e.Service)
	if e.Source.IsValid() {
		text += " " + e.Source.String()
	} else if e.Count > 1 {
		text += fmt.Sprintf(" (%d sources)", e.Count)
	}
	if e.Reason.Rule != "" {
		text += ": " + e.Reason.String()
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// since is a time after the beginning of the recording.
func (v *viewer) since(at policy.Instant) string {
	return "+" + at.Sub(v.start).Round(time.Millisecond).String()
}

// finish says how the decisions compare with those of the time.
func (v *viewer) finish() error {
	if v.other != nil && v.same {
		return exitWith(exitRuntime, fmt.Errorf("turn %d (%s) was decided otherwise when it was recorded, by the same policy", v.other.Turn, v.since(v.other.Decision.At)))
	}
	if v.json {
		return nil
	}
	verdict := "the same decisions as when it was recorded"
	if v.other != nil {
		verdict = fmt.Sprintf("other decisions from turn %d (%s) on", v.other.Turn, v.since(v.other.Decision.At))
	}
	if !v.same {
		verdict = "another policy; " + verdict
	}
	if v.truncated {
		verdict += "; the recording ends in the middle"
	}
	if _, err := fmt.Fprintf(v.w, "%d turns: %s\n", v.turns, verdict); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
}
