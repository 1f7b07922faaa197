package compare

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// serveVariable makes the test binary the server that is attacked, or one that does not behave.
const serveVariable = "EBBGATE_COMPARE_SERVE"

func TestMain(m *testing.M) {
	switch os.Getenv(serveVariable) {
	case "":
		os.Exit(m.Run())
	case "dumb":
		fmt.Fprintln(os.Stderr, "I will not serve")
		os.Exit(3)
	}
	if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveAs is a command for startServer.
func serveAs(what string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serveVariable+"="+what)
	return cmd
}

// program builds the real binary.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ebbgate")
	if out, err := exec.Command("go", "build", "-o", path, "ebbgate/cmd/ebbgate").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// await polls a condition until it holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// serveCommand is a server that behaves.
func serveCommand() *exec.Cmd { return serveAs("server") }
