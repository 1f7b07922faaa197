package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"ebbgate/internal/fault"
)

// program is the path of the ebbgate binary under test.
var program string

func TestMain(m *testing.M) {
	fault.Launch()
	if path := os.Getenv(clientsEnv); path != "" {
		if err := runCrowd(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
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
	if err := compile(filepath.Join(dir, "ebbgate"), kernelFlags...); err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// compile makes the program at a path.
func compile(path string, flags ...string) error {
	args := slices.Concat([]string{"build", "-o", path}, buildFlags, flags, []string{"ebbgate/cmd/ebbgate"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// oldFlags build the program for a kernel without what came after Linux 5.10.
var oldFlags = []string{"-tags", "oldkernel"}

// building is held while the second program is looked for and built: tests that run at once may want it.
var building sync.Mutex

// oldProgram returns the path of a program that takes the kernel for an old one. It is built once.
func oldProgram(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	path := program + "-old"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := compile(path, oldFlags...); err != nil {
		t.Fatal(err)
	}
	return path
}
