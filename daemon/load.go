package daemon

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"ebbgate/control"
	"ebbgate/observer"
	"ebbgate/policy"
)

// ReadPolicy reads and validates a policy file, and returns its text too. Problems in it are
// policy.Problems; a file that cannot be read gives an *fs.PathError, see HowToRead.
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

// Whether whoever asked for a reload is told what came of it, every problem too.
const (
	unanswered = false
	answered   = true
)

// load reads the policy again, and takes it for so long; 0 is for good. A bad one changes nothing (P10), and
// a good one ends the modes that were set by hand. The service manager hears of the end
// of it when the turn is over in which it takes effect.
func (d *Daemon) load(told bool, length time.Duration) {
	d.tell(d.Manager.Reloading())
	d.reloading, d.line.force = true, true
	p, src, err := ReadPolicy(d.PolicyPath)
	err = HowToRead(d.PolicyPath, err)
	var warnings []string
	before := trial{former: d.Policy, source: d.Source, modes: d.decision.Modes, blocks: d.state.Blocks}
	if err == nil {
		warnings = d.adopt(p, src)
		d.askModes(nil)
		d.askBlocks(d.trial.blocks)
	}
	was := d.reload
	d.reload = control.NewReload(control.TimeOf(d.Wall()), d.PolicyPath, len(d.Policy.Services), warnings, err)
	if err == nil {
		d.try(length, before)
		d.happened("reload: the policy is in force", control.Event{Event: control.PolicyLoaded, Why: d.PolicyPath}, "services", len(p.Services))
	} else {
		d.goOn(was)
		d.logRefused(told)
	}
	for _, w := range warnings {
		d.Log.Warn("policy", "warning", w)
	}
}

// logRefused logs each problem of the policy on disk where nobody else is told of them, and else how many
// there are: what ebbgate reload prints is in the journal already if the service manager runs it. It does not go
// through happened, because to those who follow the stream all the problems are one event.
func (d *Daemon) logRefused(told bool) {
	const message = "reload: the policy stays as it was"
	problems := d.reload.Problems
	e := control.Event{Event: control.PolicyRefused, Count: len(problems)}
	if len(problems) > 0 {
		e.Why = problems[0].String()
	}
	e = d.noted(e)
	if told {
		e.Count, e.Why = 0, ""
		d.note(message, e, "policy", d.PolicyPath, "problems", len(problems))
		return
	}
	for _, problem := range problems {
		e.Count, e.Why = 0, problem.String()
		d.note(message, e)
	}
}

// adopt puts a policy in place of the one in force, and returns what is worth a warning.
func (d *Daemon) adopt(p *policy.Policy, src []byte) []string {
	warnings := p.Warnings()
	if p.Control != d.control {
		warnings = append(warnings, "control: takes effect when the service is restarted; until then it is as it was at start")
	}
	warnings = append(warnings, d.keepsElsewhere(p)...)
	if p.Observe.CPUBudget != d.Policy.Observe.CPUBudget {
		d.census.budget = observer.NewBudget(p.Observe.CPUBudget)
	}
	d.Policy, d.Source = p, src
	if err := d.serveMetrics(); err != nil {
		warnings = append(warnings, err.Error()+"; it is tried again")
	}
	d.recordPolicy(src)
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
