package enforcer

import (
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// sortedElements sorts what stands between the braces of an element list.
func sortedElements(list string) string {
	return strings.Join(sorted(strings.Split(strings.TrimSuffix(list, " }"), ", ")), ", ")
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// inOwnNamespace runs f on a locked thread in a new network namespace. The thread is not unlocked,
// so it dies with its goroutine.
func inOwnNamespace(f func() error) error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	return f()
}
