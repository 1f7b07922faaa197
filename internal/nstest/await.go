package nstest

import (
	"testing"
	"time"
)

// Await polls until ok returns true and fails the test if that takes ten seconds.
func Await(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited ten seconds in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// lookEvery is the time between two looks at a condition that tells why it does not hold.
const lookEvery = 10 * time.Millisecond

// Until looks until ok returns nil, and ends the test with its last error if it does not within the
// given time, which is no measure of speed but of patience.
func Until(tb testing.TB, within time.Duration, what string, ok func() error) {
	tb.Helper()
	if err := poll(within, ok, func(err error) bool { return err == nil }); err != nil {
		tb.Fatalf("waited %v until %s: %v", within, what, err)
	}
}

// Remains looks for a stretch of time, and ends the test with the first error that ok returns.
func Remains(tb testing.TB, stretch time.Duration, what string, ok func() error) {
	tb.Helper()
	if err := poll(stretch, ok, func(err error) bool { return err != nil }); err != nil {
		tb.Fatalf("%s did not last: %v", what, err)
	}
}

// poll calls look until enough says so of its result, or the time is over, and returns the last
// result.
func poll(length time.Duration, look func() error, enough func(error) bool) error {
	ticker := time.NewTicker(lookEvery)
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
