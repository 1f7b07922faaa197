package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDemoPlaysToItsEnd runs what a newcomer runs, whole.
func TestDemoPlaysToItsEnd(t *testing.T) {
	if os.Getuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("not permitted to make network namespaces: run as root")
	}
	t.Parallel() // a play mostly waits, in namespaces of its own
	cmd := command("demo", "--json")
	tmp := t.TempDir()
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var r struct {
		ServedWithout   int     `json:"served_without"`
		FailedWithout   int     `json:"failed_without"`
		FirstRule       float64 `json:"first_rule"`
		ServedAgain     float64 `json:"served_again"`
		ServedDuring    int     `json:"served_during"`
		FailedDuring    int     `json:"failed_during"`
		Cut             uint64  `json:"cut"`
		Clean           bool    `json:"clean"`
		CleanAfterFlood float64 `json:"clean_after_flood"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("the demo's summary: %s", out)
	if r.FailedWithout <= r.ServedWithout {
		t.Errorf("the flood did no harm while nothing answered it: %d served, %d failed", r.ServedWithout, r.FailedWithout)
	}
	if r.ServedDuring < 10*r.FailedDuring || r.ServedDuring == 0 || r.Cut == 0 {
		t.Errorf("with ebbgate %d requests were served and %d failed; %d connections were cut", r.ServedDuring, r.FailedDuring, r.Cut)
	}
	if r.FirstRule <= 0 || r.FirstRule > patience*firstRuleGoal.Seconds() || r.ServedAgain > patience*servedAgainGoal.Seconds() {
		t.Errorf("first rule after %v s, served again after %v s", r.FirstRule, r.ServedAgain)
	}
	if !r.Clean || r.CleanAfterFlood <= 0 {
		t.Errorf("clean %t, %v s after the flood", r.Clean, r.CleanAfterFlood)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
