package lab

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// errGoexit is what onThread returns for a function that ended its goroutine instead of returning,
// as testing.T.FailNow does.
var errGoexit = errors.New("the function ended its goroutine (runtime.Goexit)")

// spawn runs f on an operating-system thread of its own, which dies when f returns. So whatever f
// did to the thread (its namespace above all) can never leak into other goroutines.
//
// The thread is never the process's first one: /proc/self/net and /proc/net are those of the first
// thread, and must keep showing the namespace the process was started in.
func spawn(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// This goroutine occupies the first thread until another has been found.
			found := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				close(found)
				f()
			}()
			<-found
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
}

// onThread is spawn that waits for f and returns its error.
func onThread(f func() error) error {
	result := make(chan error, 1)
	spawn(func() {
		err := errGoexit
		defer func() { result <- err }()
		err = f()
	})
	return <-result
}
