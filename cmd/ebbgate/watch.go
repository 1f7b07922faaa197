package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

// watchAnswers asks again and again until it is interrupted, which is no error. On a terminal each picture
// takes the place of the last; elsewhere they follow each other, and as JSON one object a line. A daemon
// that does not answer ends it.
func watchAnswers[T any](c *cobra.Command, o *answerOptions, every time.Duration, look func(context.Context) (*T, error),
	write func(io.Writer, *T, control.TextOptions) error) error {
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	w := c.OutOrStdout()
	for first := true; ; first = false {
		answer, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := showAgain(w, o, answer, write, first); err != nil {
			return exitWith(exitRuntime, fmt.Errorf("write answer: %w", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// showAgain shows one answer after another.
func showAgain[T any](w io.Writer, o *answerOptions, answer *T, write func(io.Writer, *T, control.TextOptions) error, first bool) error {
	if o.json {
		return json.NewEncoder(w).Encode(answer)
	}
	var b bytes.Buffer
	if err := write(&b, answer, control.TextOptions{Width: textWidth(w), Color: coloured(w), Now: time.Now()}); err != nil {
		return err
	}
	text := b.String()
	switch {
	case onTerminal(w):
		text = picture(text, terminalHeight(w), first)
	case !first:
		text = "\n" + text
	}
	_, err := io.WriteString(w, text)
	return err
}
