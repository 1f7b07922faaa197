package screen

import (
	"errors"
	"os"
	"os/exec"

	"ebbgate/internal/nstest"
)

// Program is a command that runs on a Screen.
type Program struct {
	s    *Screen
	cmd  *exec.Cmd
	done chan struct{}
}

// Signal sends it a signal.
func (p *Program) Signal(sig os.Signal) {
	p.s.tb.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.s.tb.Fatal(err)
	}
}

// PID is its process ID.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Wait waits until it has ended by itself and returns its exit status; -1: by a signal.
func (p *Program) Wait() int {
	p.s.tb.Helper()
	nstest.Until(p.s.tb, patience, "the program ends", func() error {
		select {
		case <-p.done:
			return nil
		default:
			return errors.New("it runs:\n" + p.s.Text())
		}
	})
	return p.cmd.ProcessState.ExitCode()
}
