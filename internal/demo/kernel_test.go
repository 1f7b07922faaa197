package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// needs skips a test that is not permitted to make a laboratory, unless the environment has CI set.
func needs(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("not permitted: %v", err)
	}
}

// interrupter is where a play is shown whose spectator goes at a certain word.
type interrupter struct {
	word string
	stop context.CancelFunc

	mu    sync.Mutex
	shown strings.Builder
}

func (i *interrupter) Write(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if strings.Contains(string(p), i.word) {
		i.stop()
	}
	return i.shown.Write(p)
}

func TestRunEndsEarly(t *testing.T) {
	bin := nstest.Program(t)
	for name, tt := range map[string]struct {
		word string
		stay bool
	}{
		"header": {"legitimate requests", false},
		"flood":  {"nothing answers it", false},
		"daemon": {"the same flood begins again", false},
		"stays":  {"ebbgate() { '" + bin + "'", true},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			before := sockets(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &interrupter{word: tt.word, stop: cancel}
			r, err := Run(ctx, Options{Program: bin, Out: out, Stay: tt.stay})
			needs(t, err)
			// Nothing else may be in it: any failure to clean up would be joined to it.
			if r != nil || !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
				t.Errorf("result %v, error %v, and was shown:\n%s", r, err, out.shown.String())
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
				t.Errorf("files left behind: %v, %v", left, err)
			}
			if left := processes(t, bin); len(left) != 0 {
				t.Errorf("processes left behind: %v", left)
			}
			// What holds an anonymous namespace is a thread in it, a descriptor of it, or a socket.
			nstest.Await(t, "the namespaces to be let go", func() bool {
				return len(foreign(t)) == 0 && sockets(t) <= before
			})
		})
	}
}

func TestRunNeedsADirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	if _, err := Run(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "make directory") {
		t.Errorf("error %v", err)
	}
}

// processes returns those that run a program.
func processes(t *testing.T, path string) []string {
	t.Helper()
	exes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(exes, func(exe string) bool {
		target, err := os.Readlink(exe)
		return err != nil || strings.TrimSuffix(target, " (deleted)") != path
	})
}

// foreign returns what of this process is in, or holds, another network namespace than its first
// thread is in.
func foreign(t *testing.T) []string {
	t.Helper()
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	threads, err := filepath.Glob("/proc/self/task/*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(append(threads, files...), func(link string) bool {
		target, err := os.Readlink(link)
		return err != nil || !strings.HasPrefix(target, "net:") || target == home
	})
}

// sockets counts those this process has open.
func sockets(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if target, err := os.Readlink(f); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}
