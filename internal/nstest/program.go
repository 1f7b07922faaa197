package nstest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Program makes the real binary, and returns its path in a directory of the test's own. The tests of a
// process have it built once.
func Program(tb testing.TB) string {
	tb.Helper()
	image, err := program()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "ebbgate")
	// Not by ourselves: what another goroutine starts meanwhile would have the file open for writing as well, for
	// a moment, in which it cannot be run.
	install := exec.Command("install", "-m", "755", "/dev/stdin", path)
	install.Stdin = bytes.NewReader(image)
	if out, err := install.CombinedOutput(); err != nil {
		tb.Fatalf("install the program: %v\n%s", err, out)
	}
	return path
}

// program builds the binary and returns its bytes, of which no file is left.
var program = sync.OnceValues(func() (image []byte, err error) {
	dir, err := os.MkdirTemp("", "ebbgate-program-")
	if err != nil {
		return nil, fmt.Errorf("make directory for the program: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "ebbgate")
	// As make does, so that both have the compiled packages from each other.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "ebbgate/cmd/ebbgate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return os.ReadFile(path)
})
