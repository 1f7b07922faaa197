package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"ebbgate/internal/lab"
)

// outcome is what a program that ended has left.
type outcome struct {
	status         int
	stdout, stderr string
}

// run runs a command in a namespace until it ends by itself.
func (s *stage) run(n *lab.Namespace, cmd *exec.Cmd) outcome {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := n.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // ProcessState tells the outcome
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// nft runs the nft tool, an independent reader of the kernel's rules, in the victim.
func (s *stage) nft(script string, flags ...string) string {
	s.t.Helper()
	cmd := exec.Command("nft", append(flags, "-f", "-")...)
	cmd.Stdin = strings.NewReader(script)
	o := s.run(s.Victim, cmd)
	if o.status != 0 {
		s.t.Fatalf("nft: status %d: %s", o.status, o.stderr)
	}
	return o.stdout
}

// rules lists all rules of the victim.
func (s *stage) rules() string {
	s.t.Helper()
	return s.nft("list ruleset\n")
}

// rulesAlone is rules without what the sets hold: nft takes long to list a meter of a flood.
func (s *stage) rulesAlone() string {
	s.t.Helper()
	return s.nft("list ruleset\n", "--terse")
}

// conntrack counts the entries of the victim's conntrack table.
func (s *stage) conntrack() int {
	s.t.Helper()
	n, err := s.Victim.ConntrackCount()
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// saysOneLine checks that a command ended with a status and one line of explanation that has all
// the words.
func (o outcome) saysOneLine(status int, words ...string) error {
	line := strings.TrimSuffix(o.stderr, "\n")
	switch {
	case o.status != status:
		return fmt.Errorf("exit status %d, want %d; it says %q", o.status, status, o.stderr)
	case line == "" || strings.Contains(line, "\n"):
		return fmt.Errorf("it says %q, want one line", o.stderr)
	case o.stdout != "":
		return fmt.Errorf("it prints %q, want nothing", o.stdout)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			return fmt.Errorf("it says %q, want %q in it", line, w)
		}
	}
	return nil
}
