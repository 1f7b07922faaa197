package observer

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU returns the CPU time of the calling thread, the kernel's work for it included
// (CLOCK_THREAD_CPUTIME_ID of clock_gettime(2), older than any kernel this runs on).
func threadCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(fmt.Sprintf("read CLOCK_THREAD_CPUTIME_ID: %v", err))
	}
	return time.Duration(ts.Nano())
}
