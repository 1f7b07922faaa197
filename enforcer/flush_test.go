package enforcer

import (
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// flushing has two others flush all rules, so many times each and as fast as they can, and returns what
// tells whether they still do.
func flushing(t *testing.T, times int) (busy func() bool) {
	t.Helper()
	// Goroutines run on other threads, which are in other namespaces.
	ns, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		both.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
				t.Error(err)
				return
			}
			for range times {
				if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil && !strings.Contains(string(out), "Could not process rule") {
					t.Errorf("flush: %v\n%s", err, out)
				}
			}
		})
	}
	go func() {
		both.Wait()
		_ = unix.Close(ns)
		close(done)
	}()
	t.Cleanup(func() { <-done })
	return func() bool {
		select {
		case <-done:
			return false
		default:
			return true
		}
	}
}

// TestOthersFlushAsFastAsTheyCan: without ownership the table is lost again and again, noticed by the next
// look and built again; with it, never. What is refused in between is no more than that it was gone.
func TestOthersFlushAsFastAsTheyCan(t *testing.T) {
	for _, owned := range []bool{false, true} {
		name := map[bool]string{false: "a table of nobody", true: "an owned table"}[owned]
		t.Run(name, func(t *testing.T) {
			tb := open(t)
			if owned {
				guarded(t, tb)
			}
			tb.owned = owned
			p := prefixed()
			apply(t, tb, p, ladder(boottime.Now()))
			lost, refused := 0, 0
			busy := flushing(t, 30)
			for round := policy.Instant(0); busy(); round++ {
				c, err := tb.Look(true)
				if err != nil {
					t.Fatal(err)
				}
				if c.Lost {
					lost++
				}
				want := Compile(p, ladder(boottime.Now()+round*second), tb.Environment())
				if err := tb.Apply(Diff(tb.Have(), want, boottime.Now())); err != nil {
					refused++
				}
			}
			if owned && lost+refused > 0 || !owned && lost+refused == 0 {
				t.Errorf("lost %d times, refused %d times", lost, refused)
			}
			t.Logf("lost %d times, refused %d times", lost, refused)
			if _, err := tb.Look(true); err != nil {
				t.Fatal(err)
			}
			apply(t, tb, p, ladder(boottime.Now()))
			listsWhatItHas(t, tb)
		})
	}
}
