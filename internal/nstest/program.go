package nstest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Program builds the real binary, and returns its path in a directory of the test's own.
func Program(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "ebbgate")
	if out, err := exec.Command("go", "build", "-o", path, "ebbgate/cmd/ebbgate").CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
