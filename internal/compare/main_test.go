package compare

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
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

// serveCommand is a server that behaves.
func serveCommand() *exec.Cmd { return serveAs("server") }
