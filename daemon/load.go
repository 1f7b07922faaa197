package daemon

import (
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

// load reads the policy again. A bad one changes nothing (P10). The service manager hears of the end
// of it when the turn is over in which it takes effect.
func (d *Daemon) load() {
	d.tell(d.Manager.Reloading())
	d.reloading, d.line.old = true, true
	p, src, err := ReadPolicy(d.PolicyPath)
	var warnings []string
	if err == nil {
		warnings = d.adopt(p, src)
	}
	d.reload = control.NewReload(control.TimeOf(d.Wall()), d.PolicyPath, len(d.Policy.Services), warnings, err)
	for _, problem := range d.reload.Problems {
		d.Log.Error("reload: the policy stays as it was", "event", "policy-refused", "problem", problem.String())
	}
	if err == nil {
		d.Log.Info("reload: the policy is in force", "policy", d.PolicyPath, "services", len(p.Services), "event", "policy-loaded")
	}
	for _, w := range warnings {
		d.Log.Warn("policy", "warning", w)
	}
}

// adopt puts a policy in place of the one in force, and returns what is worth a warning.
func (d *Daemon) adopt(p *policy.Policy, src []byte) []string {
	warnings := p.Warnings()
	if p.Control != d.control {
		warnings = append(warnings, "control: takes effect when the service is restarted; until then it is as it was at start")
	}
	if p.Observe.CPUBudget != d.Policy.Observe.CPUBudget {
		d.census.budget = observer.NewBudget(p.Observe.CPUBudget)
	}
	d.Policy = p
	d.recordPolicy(src)
	d.readCounts(d.Now()) // a service may begin anew with another mode
	d.tally.keep(p)
	d.Watcher.SetPolicy(p)
	return warnings
}

// loaded ends a reload for the service manager. The status line has been sent by then, so that it is
// the new one that whoever waited for the reload reads.
func (d *Daemon) loaded() {
	if d.reloading {
		d.reloading = false
		d.tell(d.Manager.Ready())
	}
}
