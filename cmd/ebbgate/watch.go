package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

// again shows something at an interval until it is interrupted, which is no error.
func again(ctx context.Context, every time.Duration, show func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := show(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchAnswers asks again and again until it is interrupted; as JSON it prints one object a line. A daemon
// that does not answer ends it.
func watchAnswers[T any](c *cobra.Command, o *answerOptions, every time.Duration, look func(context.Context) (*T, error),
	write func(io.Writer, *T, control.TextOptions) error) error {
	w := c.OutOrStdout()
	shown := pictures{w: w}
	return again(c.Context(), every, func(ctx context.Context) error {
		answer, err := look(ctx)
		if err != nil {
			return err
		}
		if o.json {
			return writeJSONLine(w, answer)
		}
		var b bytes.Buffer
		if err := write(&b, answer, control.TextOptions{Width: textWidth(w), Color: coloured(w), Now: time.Now()}); err != nil {
			return exitWith(exitRuntime, err)
		}
		return shown.show(b.String())
	})
}

// pictures are texts one after another: on a terminal each takes the place of the last, elsewhere they
// follow each other.
type pictures struct {
	w     io.Writer
	begun bool
}

func (p *pictures) show(text string) error {
	switch {
	case onTerminal(p.w):
		text = picture(text, terminalHeight(p.w), !p.begun)
	case p.begun:
		text = "\n" + text
	}
	p.begun = true
	if _, err := io.WriteString(p.w, text); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write what is shown: %w", err))
	}
	return nil
}

// Control sequences of ECMA-48: cursor home, erase to the end of the line and of the page.
const (
	cursorHome   = "\x1b[H"
	eraseLine    = "\x1b[K"
	erasePage    = "\x1b[J"
	lastOfHeight = "… more below: make the window higher, or narrow what is shown"
)

// picture writes text over what a terminal shows, line by line so that it does not flicker, and
// cuts what would make the terminal scroll.
func picture(text string, height int, first bool) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if room := height - 1; room > 0 && len(lines) > room {
		lines = append(lines[:room-1:room-1], lastOfHeight)
	}
	out := cursorHome
	if first {
		out += erasePage
	}
	return out + strings.Join(lines, eraseLine+"\n") + eraseLine + "\n" + erasePage
}
