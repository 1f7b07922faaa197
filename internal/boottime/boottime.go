// Package boottime reads the one clock by which everything is timed.
package boottime

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/policy"
)

// Now returns the time since boot, including time spent suspended (CLOCK_BOOTTIME of
// clock_gettime(2)). It never steps and never goes back. It panics where the kernel has no such
// clock, which is before Linux 2.6.39.
func Now() policy.Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(fmt.Sprintf("read CLOCK_BOOTTIME: %v", err))
	}
	return policy.Instant(ts.Nano())
}
