package crowd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// taskVariable carries a worker's task, as JSON. A process that has it in its environment is a
// worker.
const taskVariable = "EBBGATE_CROWD_TASK"

// readyLine is what a worker says when its connections are established.
const readyLine = "ready\n"

// firstInherited is the first descriptor that exec.Cmd.ExtraFiles passes on.
const firstInherited = 3

// task is what one worker does: the connections From to To of a crowd.
type task struct {
	Config   Config
	From, To int
}

// worker is the builder's view of a worker process.
type worker struct {
	cmd   *exec.Cmd
	hold  io.WriteCloser // closed: the worker ends
	says  *bufio.Reader
	wails bytes.Buffer // what it wrote to its standard error
}

// startWorker starts the running program again as a worker, in the calling thread's namespace.
func startWorker(t task, listeners []*os.File) (*worker, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode a worker's task: %w", err)
	}
	w := &worker{cmd: exec.Command("/proc/self/exe")}
	w.cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	w.cmd.ExtraFiles = listeners
	w.cmd.Stderr = &w.wails
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if w.hold, err = w.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("make a pipe to a worker: %w", err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe from a worker: %w", err)
	}
	w.says = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	return w, nil
}

// ready waits until the worker's connections are established. If ctx ends before, so does the
// worker.
func (w *worker) ready(ctx context.Context) error {
	stop := context.AfterFunc(ctx, w.release)
	defer stop()
	line, err := w.says.ReadString('\n')
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case line == readyLine:
		return nil
	case line != "":
		return errors.New(strings.TrimSpace(line))
	}
	return fmt.Errorf("a worker ended early: %w", err)
}

// release lets the worker end. It may be called more than once.
func (w *worker) release() { w.hold.Close() }

// wait waits for the released worker's end. What it had to complain of, apart from what ready
// returned, is the error.
func (w *worker) wait() error {
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("a worker ended badly: %w: %s", err, bytes.TrimSpace(w.wails.Bytes()))
	}
	return nil
}

// Worker returns at once, unless Build started this process as a worker: then it works until the
// builder closes the crowd and ends the process.
func Worker() {
	text := os.Getenv(taskVariable)
	if text == "" {
		return
	}
	if err := work(text); err != nil {
		fmt.Println(err)
	}
	os.Exit(0)
}

// work makes the connections of a task and holds them until standard input ends. They are closed
// by the end of the process.
func work(text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return fmt.Errorf("decode the task in %s: %w", taskVariable, err)
	}
	// Should memory run out, the crowd is to go first. Everybody may raise his own score.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return fmt.Errorf("offer the worker to the kernel's memory killer: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it, it has ended
	}()
	for i := t.From; i < t.To; i++ {
		select {
		case <-ended:
			return nil
		default:
		}
		p := t.Config.pairOf(i)
		if err := connect(p, firstInherited+p.listener); err != nil {
			return fmt.Errorf("connection %d from %s to port %d: %w", i, Source(p.source), FirstPort+p.listener, err)
		}
	}
	if _, err := os.Stdout.WriteString(readyLine); err != nil {
		return fmt.Errorf("report to the builder: %w", err)
	}
	<-ended
	return nil
}
