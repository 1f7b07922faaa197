package demo

import (
	"context"
	"errors"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// Daemon is an ebbgate inside the victim of a laboratory, with a policy and a socket in a directory
// made for it.
type Daemon struct {
	process *daemonProcess
	stage   *stage
}

// StartDaemon starts program and waits until it answers. policy returns the text of its policy, given
// the path of the control socket it must name.
func StartDaemon(ctx context.Context, n *lab.Namespace, program string, policy func(socket string) string) (*Daemon, error) {
	s, err := stageOf(policy)
	if err != nil {
		return nil, err
	}
	p, err := startDaemon(ctx, n, program, s)
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return &Daemon{p, s}, nil
}

// PID returns the daemon's process ID.
func (d *Daemon) PID() int { return d.process.cmd.Process.Pid }

// Service returns what the daemon tells of its one service: nothing, if it does not answer.
func (d *Daemon) Service(ctx context.Context) control.Service { return d.process.service(ctx) }

// Done is closed when the daemon has ended.
func (d *Daemon) Done() <-chan struct{} { return d.process.done }

// Log returns the beginning of what the daemon wrote.
func (d *Daemon) Log() string { return d.process.log.String() }

// Stop ends the daemon, by force if it takes more than five seconds, and removes its directory.
func (d *Daemon) Stop() error { return errors.Join(d.process.stop(), d.stage.remove()) }
