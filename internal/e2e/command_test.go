package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"ebbgate/internal/lab"
)

// TestCheckNeedsNoPrivilege runs `ebbgate check` as nobody.
func TestCheckNeedsNoPrivilege(t *testing.T) {
	s := newStage(t)
	good := policyFile{}.text(s.socket())
	s.write(good)
	o := s.run(s.Victim, unprivileged(command("check", s.config())))
	if o.status != 0 || o.stderr != "" || !strings.Contains(o.stdout, "good, 1 service") {
		t.Errorf("a good policy: %+v", o)
	}
	lines := strings.Split(good, "\n")
	var want []string
	for i, l := range lines {
		switch {
		case strings.Contains(l, "per_source"):
			lines[i] = "  per_source = 0"
			want = append(want, fmt.Sprintf("%s:%d: service[0].connections.per_source: ", s.config(), i+1))
		case strings.Contains(l, "lease"):
			lines[i] = "  lease = 30"
			want = append(want, fmt.Sprintf("%s:%d: service[0].response.lease: ", s.config(), i+1))
		}
	}
	s.write(strings.Join(lines, "\n"))
	o = s.run(s.Victim, unprivileged(command("check", s.config())))
	got := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	if o.status != 2 || o.stdout != "" || len(got) != len(want) {
		t.Fatalf("a bad policy: %+v", o)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || len(got[i]) == len(want[i]) {
			t.Errorf("problem %q, want it to begin with %q", got[i], want[i])
		}
	}
}

// TestCommandsDuringAttack asks the daemon by the command line, and lets the nft tool judge the
// rules it prints.
func TestCommandsDuringAttack(t *testing.T) {
	s, _, _, _ := attacked(t)
	o := s.run(s.Victim, command("status", "--socket", s.socket()))
	if o.status != 0 || o.stderr != "" || !strings.Contains(o.stdout, "shop") || !strings.Contains(o.stdout, lab.AttackRange().IPv4(1)[0].String()) {
		t.Errorf("status: %+v", o)
	}
	for _, args := range [][]string{{"ruleset"}, {"ruleset", "--would"}} {
		o = s.run(s.Victim, command(append(args, "--socket", s.socket())...))
		if o.status != 0 || o.stderr != "" {
			t.Fatalf("%v: %+v", args, o)
		}
		judge := exec.Command("nft", "--check", "-f", "-")
		judge.Stdin = strings.NewReader(o.stdout)
		if o := s.run(s.Clients, judge); o.status != 0 {
			t.Errorf("%v does not print nft syntax: %s", args, o.stderr)
		}
	}
	o = s.run(s.Victim, unprivileged(command("status", "--socket", s.socket())))
	if err := o.saysOneLine(1, "not permitted"); err != nil {
		t.Errorf("status for nobody: %v", err)
	}
}
