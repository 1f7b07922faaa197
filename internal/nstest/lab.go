package nstest

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
)

// Lab builds a laboratory, which is closed at the end of the test. Like Enter it skips a test that
// is not permitted to, or fails it where the environment has CI set.
func Lab(tb testing.TB) *lab.Lab {
	tb.Helper()
	l, err := lab.New()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}
