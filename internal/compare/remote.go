package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"

	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
)

// remoteServer is the process of Serve, inside the victim. Its methods are safe for concurrent use.
type remoteServer struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  bytes.Buffer // on its standard error; to be read when it has ended

	mu     sync.Mutex
	orders *json.Encoder
	states *json.Decoder
	last   serverState
	err    error // the first that occurred
}

var _ demo.Application = (*remoteServer)(nil)

// startServer starts cmd, which must call Serve, inside the victim. The server can be reached when
// startServer returns.
func startServer(victim *lab.Namespace, cmd *exec.Cmd, config lab.ServerConfig) (*remoteServer, error) {
	s := &remoteServer{cmd: cmd}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	cmd.Stderr = &s.said
	// In a process group of its own, Ctrl-C does not reach it: the cell ends it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.stdin, s.orders, s.states = stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)
	if err := victim.Start(cmd); err != nil {
		return nil, err
	}
	s.exchange(config)
	if s.err != nil {
		return nil, s.stop()
	}
	return s, nil
}

// exchange sends something and takes the answer. After an error the last answer stands.
func (s *remoteServer) exchange(what any) serverState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.last
	}
	if s.err = s.orders.Encode(what); s.err == nil {
		s.err = s.states.Decode(&s.last)
	}
	return s.last
}

// state returns what the server tells, or told last if it does not answer.
func (s *remoteServer) state() serverState { return s.exchange(orderState) }

// Stall makes the server accept nothing more. Like Resume it keeps an error for stop.
func (s *remoteServer) Stall() { s.exchange(orderStall) }

// Resume ends a Stall.
func (s *remoteServer) Resume() { s.exchange(orderResume) }

// Counts returns the server's gauges and counters.
func (s *remoteServer) Counts() lab.ServerCounts { return s.state().Counts }

func (s *remoteServer) pid() int { return s.cmd.Process.Pid }

// stop ends the process and returns the first error there was.
func (s *remoteServer) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(s.err, s.stdin.Close(), s.cmd.Wait())
	if err != nil {
		return fmt.Errorf("the server: %w\n%s", err, s.said.String())
	}
	return nil
}
