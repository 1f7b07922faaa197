package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
)

// daemon is `ebbgate run` inside the victim.
type daemon struct {
	t       *testing.T
	cmd     *exec.Cmd
	started time.Time
	client  *control.Client
	log     journal
	done    chan struct{} // closed when it has ended
}

// daemon starts the program with a policy, and more flags if given, and waits until it answers. At the end of the test it is
// stopped as a service manager would, and must end well.
func (s *stage) daemon(p policyFile, flags ...string) *daemon {
	s.t.Helper()
	s.write(p.text(s.socket()))
	return s.start(command(append([]string{"run", "--config", s.config()}, flags...)...))
}

// start starts a daemon whose policy is written, and waits until it answers.
func (s *stage) start(cmd *exec.Cmd) *daemon { return s.startLogging(cmd, nil) }

// startLogging is start with a file the daemon logs to, which is closed here; nil: to daemon.log.
func (s *stage) startLogging(cmd *exec.Cmd, to *os.File) *daemon {
	s.t.Helper()
	d := &daemon{t: s.t, cmd: cmd, client: control.Dial(s.socket()), done: make(chan struct{})}
	d.cmd.Stderr = &d.log
	if to != nil {
		d.cmd.Stderr = to
		defer to.Close()
	}
	d.started = time.Now()
	if err := s.Victim.Start(d.cmd); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // ProcessState tells the outcome
		close(d.done)
	}()
	s.t.Cleanup(d.end)
	await(s.t, soon, "the daemon answers", func() error {
		select {
		case <-d.done:
			s.t.Fatalf("the daemon ended at once: %v\n%s", d.cmd.ProcessState, d.log.String())
		default:
		}
		_, err := d.ask()
		return err
	})
	return d
}

// command is one command line of the program, run apart from whatever manages this process.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "JOURNAL_STREAM=")
	return cmd
}

func (d *daemon) ask() (*control.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return d.client.Status(ctx)
}

// status asks the daemon.
func (d *daemon) status() *control.Status {
	d.t.Helper()
	status, err := d.ask()
	if err != nil {
		d.t.Fatal(err)
	}
	return status
}

// awaitStatus waits until ok returns nil for the daemon's status, and returns that status.
func (d *daemon) awaitStatus(what string, ok func(*control.Status) error) *control.Status {
	d.t.Helper()
	var status *control.Status
	await(d.t, soon, what, func() (err error) {
		if status, err = d.ask(); err != nil {
			return err
		}
		return ok(status)
	})
	return status
}

// signal sends a signal; see kill(2).
func (d *daemon) signal(s os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// wait returns how the daemon ended.
func (d *daemon) wait() *os.ProcessState {
	d.t.Helper()
	await(d.t, soon, "the daemon has ended", func() error {
		select {
		case <-d.done:
			return nil
		default:
			return errors.New("it runs")
		}
	})
	return d.cmd.ProcessState
}

// end stops the daemon if the test has not, and judges it.
func (d *daemon) end() {
	d.client.Close()
	select {
	case <-d.done:
	default:
		d.signal(syscall.SIGCONT)
		d.signal(syscall.SIGTERM)
		if state := d.wait(); state.ExitCode() != 0 {
			d.t.Errorf("the daemon ended with %v", state)
		}
	}
	log := d.log.String()
	if strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic:") {
		d.t.Error("the daemon has a race or a panic")
	}
	if d.t.Failed() {
		d.t.Logf("the daemon's log:\n%s", log)
	}
}

// journal keeps what a process wrote, up to a bound.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write never fails; what does not fit is dropped.
func (j *journal) Write(p []byte) (int, error) {
	const bound = 1 << 20
	j.mu.Lock()
	defer j.mu.Unlock()
	j.b.Write(p[:min(len(p), max(0, bound-j.b.Len()))])
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// healthy is a condition of a status: nothing is broken.
func healthy(s *control.Status) error {
	if len(s.Faults) > 0 {
		return fmt.Errorf("faults %+v", s.Faults)
	}
	return nil
}

// limiting is a condition of a status: the first service has so many sources under a limit.
func limiting(sources int) func(*control.Status) error {
	return func(s *control.Status) error {
		if got := s.Services[0].LimitsTotal; got != sources {
			return fmt.Errorf("%d sources are limited, want %d", got, sources)
		}
		return healthy(s)
	}
}
