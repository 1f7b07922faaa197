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
