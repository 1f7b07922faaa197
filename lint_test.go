package ebbgate_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLintSaysWhatItDidNotLookFor runs the search for known vulnerabilities with a tool that finds none, that finds
// one, and that does not reach its database: that is no success.
func TestLintSaysWhatItDidNotLookFor(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "go")
	for name, tt := range map[string]struct {
		script, db string
		status     int
		says       []string
		silent     string
	}{
		"none":    {`echo "No vulnerabilities found."; exit 0`, "", 0, []string{"No vulnerabilities found."}, "NOT LOOKED FOR"},
		"one":     {`echo "Vulnerability #1: GO-2026-0001"; exit 1`, "", 1, []string{"GO-2026-0001"}, "NOT LOOKED FOR"},
		"a copy":  {`echo "$@"; exit 0`, "file:///srv/vulndb", 0, []string{"run example.test/tool@v1 -db file:///srv/vulndb ./..."}, "NOT LOOKED FOR"},
		"no net":  {`echo "govulncheck: fetching vulnerabilities: no such host" >&2; exit 1`, "", 1, []string{"no such host", "NOT LOOKED FOR", "VULNDB=none"}, "\x00"},
		"unasked": {`echo "it was run"; exit 1`, "none", 0, []string{"NOT LOOKED FOR", "VULNDB=none"}, "it was run"},
	} {
		if err := os.WriteFile(tool, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("./scripts/vulnerabilities")
		cmd.Env = append(os.Environ(), "GO="+tool, "GOVULNCHECK=example.test/tool@v1", "VULNDB="+tt.db)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != tt.status {
			t.Errorf("%s: status %d, want %d", name, got, tt.status)
		}
		for _, words := range tt.says {
			if !strings.Contains(string(out), words) {
				t.Errorf("%s: it does not say %q:\n%s", name, words, out)
			}
		}
		if strings.Contains(string(out), tt.silent) {
			t.Errorf("%s: it says %q:\n%s", name, tt.silent, out)
		}
	}
}
