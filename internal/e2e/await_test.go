package e2e

import (
	"testing"
	"time"
)

// pollEvery is the time between two looks at a condition.
const pollEvery = 10 * time.Millisecond

// await looks until ok returns nil, and ends the test with its last error if it does not within
// the given time, which is no measure of speed but of patience.
func await(t *testing.T, within time.Duration, what string, ok func() error) {
	t.Helper()
	if err := poll(within, ok, func(err error) bool { return err == nil }); err != nil {
		t.Fatalf("waited %v until %s: %v", within, what, err)
	}
}

// remains looks for a stretch of time, and ends the test with the first error that ok returns.
func remains(t *testing.T, stretch time.Duration, what string, ok func() error) {
	t.Helper()
	if err := poll(stretch, ok, func(err error) bool { return err != nil }); err != nil {
		t.Fatalf("%s did not last: %v", what, err)
	}
}

// poll calls look until enough says so of its result, or the time is over, and returns the last
// result.
func poll(length time.Duration, look func() error, enough func(error) bool) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	end := time.Now().Add(length)
	for {
		err := look()
		if enough(err) || time.Now().After(end) {
			return err
		}
		<-ticker.C
	}
}
