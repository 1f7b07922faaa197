package control

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update rewrites the golden files. Commit the result after reading the difference.
var update = flag.Bool("update", false, "rewrite golden files")

const (
	childEnv = "EBBGATE_TEST_SOCKET" // a path: ask there
	groupEnv = "EBBGATE_TEST_GROUP"  // a group: listen there for it instead
)

// TestMain lets the test binary be a process of another user: with childEnv set it is a client of
// that socket, or listens there, and prints what became of it.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		answer := askStatus
		if os.Getenv(groupEnv) != "" {
			answer = listenOnce
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer(path)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// childAnswer is what the other process saw.
type childAnswer struct {
	Version   string
	Forbidden bool
	Error     string
	Warning   string
	Mode      os.FileMode
}

func askStatus(path string) (a childAnswer) {
	s, err := Dial(path).Status(context.Background())
	if err != nil {
		a.Error, a.Forbidden = err.Error(), errors.Is(err, ErrForbidden)
		return a
	}
	a.Version = s.Version
	return a
}

func listenOnce(path string) (a childAnswer) {
	s, err := Listen(path, os.Getenv(groupEnv))
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.Warning = s.Warning()
	if info, err := os.Stat(path); err == nil {
		a.Mode = info.Mode().Perm()
	}
	if err := s.Close(); err != nil {
		a.Error = err.Error()
	}
	return a
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// golden compares got with a file of testdata, or rewrites the file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// permitted skips the test if err says that the machine does not permit what it needs, which is
// an error under CI.
func permitted(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("not permitted: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
