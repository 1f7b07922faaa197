package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"ebbgate/control"
	"ebbgate/observer"
	"ebbgate/policy"
)

// ReadPolicy reads and validates a policy file, and returns its text too. Problems in it are
// policy.Problems; a file that cannot be read gives an error of package os.
func ReadPolicy(path string) (*policy.Policy, []byte, error) {
	src, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	p, err := policy.Parse(path, src)
	return p, src, err
}

// readFile reads a regular file of the size a policy may have.
func readFile(path string) ([]byte, error) {
	// Without O_NONBLOCK the opening of a pipe would wait for a writer, and the loop with it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read policy %q: not a regular file", path)
	}
	if info.Size() > policy.MaxFileSize {
		return nil, fmt.Errorf("read policy %q: it has %d bytes, a policy has at most %d", path, info.Size(), policy.MaxFileSize)
	}
	// A file that grows meanwhile is refused by Parse.
	src, err := io.ReadAll(io.LimitReader(f, policy.MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return src, nil
}

// load reads the policy again. A bad one changes nothing (P10).
func (d *Daemon) load() {
	d.tell(d.Manager.Reloading())
	defer func() { d.tell(d.Manager.Ready()) }()
	d.reload = &control.Reload{At: control.TimeOf(d.Wall())}
	p, src, err := ReadPolicy(d.PolicyPath)
	if err != nil {
		d.reload.Error = err.Error()
		var problems policy.Problems
		if !errors.As(err, &problems) {
			d.Log.Error("reload: the policy stays as it was", "error", err)
			return
		}
		for _, problem := range problems {
			d.Log.Error("reload: the policy stays as it was", "problem", problem.String())
		}
		return
	}
	if p.Control != d.control {
		d.Log.Warn("reload: [control] takes effect when the service is restarted")
	}
	if p.Observe.CPUBudget != d.Policy.Observe.CPUBudget {
		d.census.budget = observer.NewBudget(p.Observe.CPUBudget)
	}
	d.Policy = p
	d.recordPolicy(src)
	d.readCounts(d.Now()) // a service may begin anew with another mode
	d.tally.keep(p)
	d.Watcher.SetPolicy(p)
	d.Log.Info("reload: the policy is in force", "policy", d.PolicyPath, "services", len(p.Services))
	for _, w := range p.Warnings() {
		d.Log.Warn("policy", "warning", w)
	}
}
