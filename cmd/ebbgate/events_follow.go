package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"ebbgate/control"
)

// askAgain is the pause before a daemon is asked again that does not answer, or at once with nothing, as one
// that is about to end.
const askAgain = time.Second

// follower is one run of events -f.
type follower struct {
	o      *eventsOptions
	client *control.Client
	out    io.Writer
	say    func(string) // what is no event, on stderr
	after  uint64       // the ID up to which everything was shown
	begun  bool         // a daemon has answered
	lost   bool         // and does not now, which was said
}

// followEvents shows events until ctx ends or nobody reads the output any more; neither is an error.
func followEvents(ctx context.Context, c *cobra.Command, o *eventsOptions) error {
	f := &follower{o: o, client: control.Dial(o.socket), out: c.OutOrStdout(), after: o.after,
		say: func(text string) { fmt.Fprintln(c.ErrOrStderr(), "ebbgate: "+text) }}
	defer f.client.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		awaitNobody(ctx, f.out)
		stop()
	}()
	for {
		began, asked := time.Now(), f.after
		answer, err := f.client.Events(ctx, f.after, f.wait())
		if ctx.Err() != nil {
			return nil
		}
		pause := err != nil || f.begun && answer.Next == asked && time.Since(began) < askAgain
		if err != nil {
			err = f.failed(err)
		} else {
			err = f.show(answer)
		}
		if err != nil {
			return unlessClosed(err)
		}
		if !pause {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askAgain):
		}
	}
}

// wait returns how long the daemon may take: what it has already is shown at once.
func (f *follower) wait() time.Duration {
	if !f.begun {
		return 0
	}
	return control.LongestWait
}

// failed returns the error that ends it; nil: it is worth another try.
func (f *follower) failed(err error) error {
	var refusal *control.Error
	switch {
	case errors.As(err, &refusal) && (refusal.Kind == control.KindStarting || refusal.Kind == control.KindBusy):
		return nil
	case errors.Is(err, control.ErrUnreachable) && f.begun:
		if !f.lost {
			f.lost = true
			f.say("the daemon does not answer; going on once it does")
		}
		return nil
	case errors.Is(err, control.ErrUnreachable):
		return exitWith(exitUnreachable, err)
	}
	return exitWith(exitRuntime, err)
}

// show writes an answer and remembers how far it goes.
func (f *follower) show(answer *control.Events) error {
	if f.lost {
		f.lost = false
		f.say("the daemon answers again")
	}
	if answer.Missed {
		f.say(control.MissedText(f.after, answer))
	}
	picked := f.o.pick(answer)
	if !f.begun {
		f.o.last(picked)
	}
	f.begun, f.after = true, answer.Next
	if !f.o.json {
		if err := control.WriteEvents(f.out, picked, control.TextOptions{Width: textWidth(f.out), Color: coloured(f.out), Now: time.Now()}); err != nil {
			return exitWith(exitRuntime, err)
		}
		return nil
	}
	for i := range picked.Events {
		if err := writeJSONLine(f.out, &picked.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// unlessClosed makes a good end of an output that nobody reads any more.
func unlessClosed(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// awaitNobody returns when w is a pipe or terminal whose other end is closed, or ctx ends. A write would find
// that out with the next event only, which can be long in coming.
func awaitNobody(ctx context.Context, w io.Writer) {
	f, ok := w.(*os.File)
	for ok && ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}} // errors and a closed end are told without being asked for (poll(2))
		n, err := unix.Poll(fds, int(askAgain.Milliseconds()))
		if err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			return
		}
	}
	<-ctx.Done()
}
