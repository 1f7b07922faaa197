package main

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"ebbgate/control"
)

// follower is one run of events -f.
type follower struct {
	o     *eventsOptions
	out   io.Writer
	say   func(string) // what is no event, on stderr
	begun bool         // a daemon has answered
	lost  bool         // and does not now, which was said
}

// followEvents shows events until ctx ends or nobody reads the output any more; neither is an error.
func followEvents(ctx context.Context, c *cobra.Command, o *eventsOptions) error {
	f := &follower{o: o, out: c.OutOrStdout(), say: func(text string) { say(c, text) }}
	client := control.Dial(o.socket)
	defer client.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		awaitNobody(ctx, f.out)
		stop()
	}()
	return unlessClosed(control.Follow(ctx, client, o.after, control.LongestWait, f.take))
}

// take shows an answer. An error of it ends the run; nil: the question is worth another try.
func (f *follower) take(r control.Reading) error {
	if r.Err != nil {
		return f.failed(r.Err)
	}
	return f.show(&r)
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

// show writes an answer.
func (f *follower) show(r *control.Reading) error {
	if f.lost {
		f.lost = false
		f.say("the daemon answers again")
	}
	if r.Events.Missed {
		f.say(control.MissedText(r.After, r.Events))
	}
	picked := f.o.pick(r.Events)
	if !f.begun {
		f.o.last(picked)
	}
	f.begun = true
	if !f.o.json {
		if err := control.WriteEvents(f.out, picked, eventOptions(f.out)); err != nil {
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

// lookAgain is how long a wait for the other end to close lasts before it looks whether it is still wanted.
const lookAgain = time.Second

// awaitNobody returns when w is a pipe or terminal whose other end is closed, or ctx ends. A write would find
// that out with the next event only, which can be long in coming.
func awaitNobody(ctx context.Context, w io.Writer) {
	fd, ok := descriptor(w)
	for ok && ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(fd)}} // errors and a closed end are told without being asked for (poll(2))
		n, err := unix.Poll(fds, int(lookAgain.Milliseconds()))
		if err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			return
		}
	}
	<-ctx.Done()
}
