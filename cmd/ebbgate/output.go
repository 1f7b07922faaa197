package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ebbgate/control"
)

// output is where a command writes to. It remembers the first write that failed, so that no command can take it for
// done, and is a terminal if what it writes to is one.
type output struct {
	w   io.Writer
	err error
}

// Write passes on.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// failure is the error of a command whose output is lost. Whoever reads it may have seen enough: that is none.
func (o *output) failure() error {
	if o.err == nil || errors.Is(o.err, syscall.EPIPE) {
		return nil
	}
	err := o.err
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return exitWith(exitRuntime, fmt.Errorf("write output: %w", err))
}

// descriptor returns the file descriptor of an output that has one.
func descriptor(w io.Writer) (int, bool) {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return -1, false
	}
	return int(f.Fd()), true
}

// onTerminal reports whether w is a terminal.
func onTerminal(w io.Writer) bool {
	fd, ok := descriptor(w)
	return ok && term.IsTerminal(fd)
}

// coloured reports whether to use colour on w: on a terminal, unless NO_COLOR is set
// (no-color.org).
func coloured(w io.Writer) bool { return onTerminal(w) && os.Getenv("NO_COLOR") == "" }

// textWidth returns the columns human output may use: those of the terminal, at most 100.
func textWidth(w io.Writer) int {
	const widest = 100
	if fd, ok := descriptor(w); ok {
		if cols, _, err := term.GetSize(fd); err == nil && cols > 0 {
			return min(cols, widest)
		}
	}
	return widest
}

// terminalHeight returns the lines of a terminal; 0 if they are not known.
func terminalHeight(w io.Writer) int {
	if fd, ok := descriptor(w); ok {
		if _, rows, err := term.GetSize(fd); err == nil {
			return rows
		}
	}
	return 0
}

// fold breaks the lines of a text, which must be escaped, where w is a terminal that is too narrow for them. Whatever
// else reads them has them whole.
func fold(w io.Writer, text string) string {
	if !onTerminal(w) {
		return text
	}
	return strings.TrimSuffix(control.Fold(text, textWidth(w)), "\n")
}

// say tells the reader of a command what is no part of its output.
func say(c *cobra.Command, text string) {
	w := c.ErrOrStderr()
	fmt.Fprintln(w, fold(w, "ebbgate: "+text))
}

// eventOptions are those of a list that is read line by line, but by people on a terminal.
func eventOptions(w io.Writer) control.TextOptions {
	o := control.TextOptions{Width: textWidth(w), Color: coloured(w), Now: time.Now()}
	if !onTerminal(w) {
		o.Width = control.Whole
	}
	return o
}
