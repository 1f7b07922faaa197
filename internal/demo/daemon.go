package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// daemonProcess is the daemon inside the victim's namespace. The zero value is one that was never
// started.
type daemonProcess struct {
	cmd    *exec.Cmd
	client *control.Client
	log    logBuffer
	done   chan struct{} // closed when it has ended
	err    error         // why, once done is closed
}

// stopPatience is how long a daemon may take to end before it is killed.
const stopPatience = 5 * time.Second

// startDaemon starts program with the stage's policy and waits until it answers.
func startDaemon(ctx context.Context, n *lab.Namespace, program string, s *stage) (*daemonProcess, error) {
	d, err := launch(n, program, s)
	if err != nil {
		return nil, err
	}
	for {
		if _, err := d.status(ctx); err == nil {
			return d, nil
		}
		select {
		case <-d.done:
			d.client.Close()
			return nil, fmt.Errorf("the daemon ended at once (%s)\n%s", d.cmd.ProcessState, d.log.String())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), d.stop())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// launch starts program with the stage's policy.
func launch(n *lab.Namespace, program string, s *stage) (*daemonProcess, error) {
	d := &daemonProcess{cmd: exec.Command(program, "run", "--config", s.policy()), client: control.Dial(s.socket()), done: make(chan struct{})}
	d.cmd.Stderr = &d.log
	// In a process group of its own, Ctrl-C does not reach it: the play ends it.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Whatever manages the service this runs in, it does not manage the demo's daemon.
	d.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "JOURNAL_STREAM=")
	if err := n.Start(d.cmd); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.done)
	}()
	return d, nil
}

func (d *daemonProcess) status(ctx context.Context) (*control.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return d.client.Status(ctx)
}

// service returns what the daemon tells of its one service: nothing, if it does not answer.
func (d *daemonProcess) service(ctx context.Context) control.Service {
	if d.client != nil {
		if status, err := d.status(ctx); err == nil && len(status.Services) > 0 {
			return status.Services[0]
		}
	}
	return control.Service{}
}

// stop ends the daemon as a service manager would, and by force if that takes too long.
func (d *daemonProcess) stop() error { return d.end(stopPatience) }

func (d *daemonProcess) end(patience time.Duration) error {
	if d.client == nil {
		return nil
	}
	d.client.Close()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case <-d.done:
	case <-time.After(patience):
		err := errors.Join(fmt.Errorf("stop the daemon: it did not end within %v and was killed", patience), d.cmd.Process.Kill())
		<-d.done
		return err
	}
	if d.err != nil {
		return fmt.Errorf("the daemon ended badly: %w\n%s", d.err, d.log.String())
	}
	return nil
}

// logLimit bounds what is kept of the daemon's log.
const logLimit = 64 << 10

// logBuffer keeps the beginning of what is written to it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write never fails; what does not fit is dropped.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p[:min(len(p), max(0, logLimit-l.b.Len()))])
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
