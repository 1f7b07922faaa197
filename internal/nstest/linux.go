package nstest

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// Linux tells whether the kernel is of a version or newer, by its own word: tests judge by it what the
// kernel must be able to do.
func Linux(tb testing.TB, major, minor int) bool {
	tb.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		tb.Fatalf("ask for the kernel's version: %v", err)
	}
	release := unix.ByteSliceToString(name.Release[:])
	var gotMajor, gotMinor int
	if _, err := fmt.Sscanf(release, "%d.%d", &gotMajor, &gotMinor); err != nil {
		tb.Fatalf("read the kernel's version in %q: %v", release, err)
	}
	return gotMajor > major || gotMajor == major && gotMinor >= minor
}
