package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"ebbgate/internal/suggest"
	"ebbgate/policy"
	"ebbgate/recording"
)

// suggestFrom reads a recording.
func suggestFrom(file string, p *policy.Policy) (*suggest.Proposal, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, exitWith(exitUsage, fmt.Errorf("read recording: %w", err))
	}
	defer f.Close()
	r, err := recording.NewReader(f)
	if err != nil {
		return nil, exitWith(exitUsage, err)
	}
	c := suggest.New(suggest.Options{Policy: p, State: r.Header.State})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, recording.ErrTruncated) {
			out := c.Propose(nil)
			if p == nil {
				out.Note("Without the policy of the daemon (--config), attacks, exemptions and overrides in the recording are not known: " +
					"what was held in attacks and by exempt sources counts like anything else.")
			}
			if !errors.Is(err, io.EOF) {
				// As after a crash, or while the daemon is still writing: what came before counts.
				out.Note("The recording ends in the middle.")
			}
			return out, nil
		}
		if err != nil {
			return nil, exitWith(exitRuntime, err)
		}
		c.Add(&e.Observation)
	}
}
