package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// program is the path of the ebbgate binary under test.
var program string

func TestMain(m *testing.M) {
	dir, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "ebbgate")
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// build makes the program in a new directory, from which any user may run it.
func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "ebbgate-e2e-"); err != nil {
		return "", fmt.Errorf("make directory for the program: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("make directory for the program: %w", err)
	}
	args := slices.Concat([]string{"build", "-o", dir}, buildFlags, []string{"ebbgate/cmd/ebbgate"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return dir, nil
}
