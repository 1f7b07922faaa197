package inetdiag

import (
	"os"
	"testing"

	crowds "ebbgate/internal/crowd"
)

// TestMain lets the test binary be the workers that fill a namespace for the benchmarks.
func TestMain(m *testing.M) {
	crowds.Worker()
	os.Exit(m.Run())
}
