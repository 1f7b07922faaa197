package control

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ebbgate/policy"
)

// Reload is the latest attempt to load the policy again, and the answer to POST /v1/reload. A policy
// with a problem changes nothing.
type Reload struct {
	At       Time      `json:"at"`
	File     string    `json:"file"`     // the daemon's own, whoever asked
	InForce  bool      `json:"in_force"` // false: the policy before it stays
	Services int       `json:"services"` // of the policy in force, whichever that is
	Warnings []string  `json:"warnings"` // of the policy that was read: what is allowed but probably not meant
	Problems []Problem `json:"problems"` // why it is not in force, in the order of the file's lines; at most policy.MaxProblems+1
	Error    string    `json:"error"`    // the problems as text, a line each; empty: there are none

	// Until is when the policy before comes back, unless this one is confirmed; null: it is not on trial.
	Until Time     `json:"until"`
	Left  Duration `json:"left"` // 0 where Until is null
	// TrialOver says that the policy was on trial, and that the one before it is in force again.
	TrialOver bool `json:"trial_over"`
}

// Problem is one thing that is wrong with the policy file.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"` // counted from 1; 0: no single line
	Key  string `json:"key"`  // "service[1].ports[0]", counted from 0; empty: not about one key
	Text string `json:"text"` // the value given, what is wrong with it and what is allowed
}

// String returns "FILE:LINE: key: what is wrong, what is allowed", without the parts that are not
// known, safe to print on a terminal.
func (p Problem) String() string { return Escape(policy.Problem(p).String()) }

// NewReload returns the outcome of reading file: err is why that is not in force, nil that it is.
// Services are those of the policy that is in force from now on, warnings those of the one read.
func NewReload(at Time, file string, services int, warnings []string, err error) *Reload {
	r := &Reload{At: at, File: file, InForce: err == nil, Services: services, Warnings: notNil(warnings), Problems: []Problem{}}
	if err == nil {
		return r
	}
	r.Error = err.Error()
	var problems policy.Problems
	if !errors.As(err, &problems) {
		problems = policy.Problems{{File: file, Text: err.Error()}}
	}
	for _, p := range problems {
		r.Problems = append(r.Problems, Problem(p))
	}
	return r
}

// Refusal says why the policy that was read is not in force: a line for each problem, and one with what
// holds instead. It is nil where the policy is in force.
func (r *Reload) Refusal() error {
	if r.InForce {
		return nil
	}
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(p.String() + "\n")
	}
	fmt.Fprintf(&b, "the policy is NOT reloaded: the one before it stays in force, with %s", Counted(r.Services, "service", "services"))
	return errors.New(b.String())
}

// Reloading is the task to load the policy again, which the loop does itself. Its outcome is a *Reload.
type Reloading struct {
	For time.Duration // the policy is on trial for so long; 0: it is there for good
}

func (Reloading) task() {}

// ReloadRequest is the body of POST /v1/reload, which may be left out.
type ReloadRequest struct {
	For Duration `json:"for,omitempty"` // at most LongestTrial, then back to the policy before unless confirmed; 0: for good
}

// decodeReload reads how long a policy is to be on trial; 0: it is not.
func decodeReload(body io.Reader) (time.Duration, error) {
	in, b := ReloadRequest{}, bufio.NewReader(body)
	if _, err := b.Peek(1); errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err := decodeBody(b, map[string]any{"for": &in.For}); err != nil {
		return 0, err
	}
	return in.For.std(), checkTrial(in.For.std())
}
