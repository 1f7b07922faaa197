package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
)

const (
	// commandGrace is how long a command may take to end after SIGTERM.
	commandGrace = 3 * time.Second
	// leftOpen is how long the output of a command that has ended is waited for, where something it has
	// left running holds it open.
	leftOpen = 200 * time.Millisecond
	// exitTemporary is EX_TEMPFAIL of sysexits.h: try again later.
	exitTemporary = 75
)

// Command is a Sender that runs a program for each notification: never a shell. The program is given the
// notification on standard input and the variables of docs/notify.md, and runs in / as leader of a session
// of its own.
type Command struct {
	argv    []string
	format  Format
	timeout time.Duration
	grace   time.Duration
}

// NewCommand returns a Sender for a program by its absolute path, with arguments. That the path is not
// absolute, or nothing to be executed, is an error. After timeout its process group is ended: by SIGTERM,
// and what is left of it by SIGKILL once the program itself has ended, 3 s later at most. What a program
// leaves running that ends in time is left alone. Exit status 75 is temporary, any other than 0 is not.
func NewCommand(argv []string, format Format, timeout time.Duration) (*Command, error) {
	if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
		return nil, fmt.Errorf("command %q: must be the absolute path of a program", argv)
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		var cause *exec.Error
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("command %q: %w", argv[0], err)
	}
	return &Command{argv: argv, format: format, timeout: timeout, grace: commandGrace}, nil
}

// Send runs the program once.
func (c *Command) Send(ctx context.Context, n *Notification) error {
	body, err := c.format.body(n)
	if err != nil {
		return err
	}
	var out output
	cmd := &exec.Cmd{Path: c.argv[0], Args: c.argv, Env: environ(n), Dir: "/", Stdin: bytes.NewReader(body),
		Stdout: &out, Stderr: &out, WaitDelay: leftOpen, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := cmd.Start(); err != nil {
		return &Temporary{Err: fmt.Errorf("run %s: %w", c.name(), startCause(err))}
	}
	ended := c.end(ctx, cmd.Process.Pid)
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if ended != nil {
		err = ended
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("run %s: %w; it wrote \"%s\"", c.name(), err, out.text())
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitTemporary {
		return &Temporary{Err: err}
	}
	return err
}

// end waits until the program has ended, or ends it when its time is over, and returns why in that case.
// It is not reaped meanwhile, so its id cannot become another's.
func (c *Command) end(ctx context.Context, pid int) error {
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	gone := make(chan struct{})
	go func() {
		awaitExit(pid)
		close(gone)
	}()
	var why error
	select {
	case <-gone:
		return nil
	case <-timer.C:
		why = fmt.Errorf("ended after %s, its time-out", c.timeout)
	case <-ctx.Done():
		why = ctx.Err()
	}
	_ = unix.Kill(-pid, unix.SIGTERM)
	grace := time.NewTimer(c.grace)
	defer grace.Stop()
	select {
	case <-gone:
	case <-grace.C:
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	<-gone
	return why
}

// awaitExit waits for a child to end, and leaves it to be reaped.
func awaitExit(pid int) {
	var info unix.Siginfo
	for errors.Is(unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// name names the program for messages, without its arguments.
func (c *Command) name() string { return control.Escape(c.argv[0]) }

// startCause strips the path, which the message has.
func startCause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
