package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

// watchCensus counts at an interval until it is interrupted, which is no error. On a terminal each
// picture takes the place of the last; elsewhere they follow each other.
func watchCensus(ctx context.Context, w io.Writer, o *censusOptions, l *look) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(o.watch)
	defer tick.Stop()
	show := blocks(w, o)
	for {
		c, err := takeCensus(ctx, l)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := show(c); err != nil {
			return exitWith(exitRuntime, fmt.Errorf("write census: %w", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// blocks returns what shows one census after another.
func blocks(w io.Writer, o *censusOptions) func(*counted) error {
	if o.json {
		enc := json.NewEncoder(w)
		return func(c *counted) error { return enc.Encode(c) }
	}
	first := true
	return func(c *counted) error {
		var b bytes.Buffer
		p := printer{w: &b, width: textWidth(w)}
		p.line("%s   every %s", c.Time.Local().Format("2006-01-02 15:04:05"), o.watch)
		p.line("")
		c.write(&p)
		text := b.String()
		switch {
		case onTerminal(w):
			text = picture(text, terminalHeight(w), first)
		case !first:
			text = "\n" + text
		}
		first = false
		_, err := io.WriteString(w, text)
		return err
	}
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

// terminalHeight returns the lines of a terminal; 0 if they are not known.
func terminalHeight(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if _, rows, err := term.GetSize(int(f.Fd())); err == nil {
			return rows
		}
	}
	return 0
}
