package nstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Prometheus returns the path of prometheus or promtool: that of the machine, or the one that scripts/tools
// has unpacked. A test without it fails.
func Prometheus(tb testing.TB, program string) string {
	tb.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		tb.Fatalf("find the checkout: go env GOMOD: %v", err)
	}
	path := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "bin", "prometheus", "usr", "bin", program)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%s is missing: run scripts/tools: %v", program, err)
	}
	return path
}
