package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/internal/escape"
	"ebbgate/internal/report"
)

// reportFlags are those of attacks that make a page of one.
type reportFlags struct {
	html  string
	force bool
}

func (r *reportFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&r.html, "html", "", "write a page about the attack of this ID to `FILE`; -: to stdout")
	c.Flags().BoolVar(&r.force, "force", false, "with --html: replace a file that exists")
}

// check names what makes no sense together; one says that an ID is given.
func (r *reportFlags) check(c *cobra.Command, one, asJSON bool) error {
	asked := c.Flags().Changed("html")
	switch {
	case !asked && r.force:
		return errors.New("--force goes with --html only")
	case !asked:
		return nil
	case r.html == "":
		return errors.New("--html names no file; it must be a path, or - for stdout")
	case !one:
		return errors.New("--html tells one attack: give its ID, as ebbgate attacks shows")
	case asJSON:
		return errors.New("--html and --json do not go together: leave one out")
	default:
		return nil
	}
}

// write asks for all that is known of an attack, and writes the page.
func (r *reportFlags) write(c *cobra.Command, socket, id string) error {
	facts, err := ask(c.Context(), socket, func(client *control.Client, ctx context.Context) (*report.Facts, error) {
		return gather(ctx, client, id)
	})
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Write(&page, facts); err != nil {
		return exitWith(exitRuntime, err)
	}
	if r.html == "-" {
		if _, err := io.Copy(c.OutOrStdout(), &page); err != nil {
			return exitWith(exitRuntime, fmt.Errorf("write report: %w", err))
		}
		return nil
	}
	// It holds addresses of clients: whoever made it decides who may read it.
	if err := writeFile("report", r.html, page.String(), 0o600, r.force); err != nil {
		return exitWith(exitRuntime, err)
	}
	if _, err := fmt.Fprintf(c.OutOrStdout(), "%s: written\n", escape.Terminal(r.html)); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write to stdout: %w", err))
	}
	return nil
}

// gather asks for the facts of a report. How the attack went need not be known.
func gather(ctx context.Context, client *control.Client, id string) (*report.Facts, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	f := &report.Facts{At: status.At.Time, Version: status.Version, Zone: time.Local}
	if f.Attack, err = client.Attack(ctx, id); err != nil {
		return nil, err
	}
	var none *control.Error
	switch f.Samples, err = wholeSamples(ctx, client, f); {
	case errors.As(err, &none) && none.Kind != control.KindInvalid:
		f.Missing = none.Message
	case err != nil:
		return nil, err
	}
	// Without a name the report says so.
	f.Host, _ = os.Hostname()
	return f, nil
}

// keepTime is how long after the end of an attack it may take until all that was measured is kept.
const keepTime = 3 * time.Second

// wholeSamples asks how an attack went, and waits for the rest where it has just ended.
func wholeSamples(ctx context.Context, client *control.Client, f *report.Facts) (*control.Samples, error) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(keepTime); ; {
		s, err := client.Samples(ctx, f.Attack.ID)
		ended := f.Attack.Ended
		if err == nil && len(s.Samples) > 0 && ended.Sub(s.Samples[len(s.Samples)-1].At.Time) <= 2*time.Duration(s.Step) {
			return s, nil
		}
		if ended.IsZero() || f.At.Sub(ended.Time) > keepTime || time.Now().After(until) {
			return s, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
