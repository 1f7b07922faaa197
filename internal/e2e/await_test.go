package e2e

import (
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// soon is the patience with what takes a second or two on a machine that has nothing else to do.
const soon = time.Minute

// await looks until ok returns nil, and ends the test with its last error if it does not within
// the given time, which is no measure of speed but of patience.
func await(t *testing.T, within time.Duration, what string, ok func() error) {
	t.Helper()
	nstest.Until(t, within, what, ok)
}

// remains looks for a stretch of time, and ends the test with the first error that ok returns.
func remains(t *testing.T, stretch time.Duration, what string, ok func() error) {
	t.Helper()
	nstest.Remains(t, stretch, what, ok)
}
