package lab

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnThreadUsesAThreadOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	used := map[int]bool{}
	inside, leave := sync.WaitGroup{}, make(chan struct{})
	var all sync.WaitGroup
	const count = 20
	inside.Add(count)
	for range count {
		all.Go(func() {
			err := onThread(func() error {
				mu.Lock()
				used[unix.Gettid()] = true
				mu.Unlock()
				inside.Done()
				<-leave
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	inside.Wait()
	if len(used) != count || used[os.Getpid()] {
		t.Errorf("%d calls on the threads %v, the first thread is %d", count, used, os.Getpid())
	}
	close(leave)
	all.Wait()
	await(t, "the threads die", func() bool {
		return !slices.ContainsFunc(threads(t), func(id int) bool { return used[id] })
	})
}

// TestSpawnAvoidsTheFirstThread keeps every other thread busy, so that the first one is offered.
func TestSpawnAvoidsTheFirstThread(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	for range 200 {
		err := onThread(func() error {
			if unix.Gettid() == os.Getpid() {
				return errors.New("on the first thread")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// threads returns the process's threads.
func threads(t *testing.T) (ids []int) {
	t.Helper()
	for _, e := range must(os.ReadDir("/proc/self/task"))(t) {
		ids = append(ids, must(strconv.Atoi(e.Name()))(t))
	}
	return ids
}

func TestOnThreadReturnsTheError(t *testing.T) {
	wrong := errors.New("wrong")
	for _, c := range []struct {
		name string
		f    func() error
		want error
	}{
		{"none", func() error { return nil }, nil},
		{"the function's", func() error { return wrong }, wrong},
		{"Goexit", func() error { runtime.Goexit(); return nil }, errGoexit},
	} {
		if got := onThread(c.f); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
