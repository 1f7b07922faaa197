package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// memoryGroup is a control group whose memory can be limited, of version 2 or 1.
type memoryGroup struct{ dir, usage, limit, none string }

// newMemoryGroup makes one. Where there are none the test is skipped, and fails with CI set.
func newMemoryGroup(t *testing.T) *memoryGroup {
	t.Helper()
	name := fmt.Sprintf("ebbgate-e2e-%d", os.Getpid())
	g := &memoryGroup{filepath.Join("/sys/fs/cgroup/memory", name), "memory.usage_in_bytes", "memory.limit_in_bytes", "-1"}
	if b, err := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control"); err == nil && strings.Contains(string(b), "memory") {
		g = &memoryGroup{filepath.Join("/sys/fs/cgroup", name), "memory.current", "memory.max", "max"}
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = errors.Join(err, unix.EPERM) // the machine has no such groups, or does not let us make any
		}
		nstest.Refuse(t, fmt.Errorf("make control group for memory: %w", err))
	}
	t.Cleanup(func() {
		nstest.Until(t, 10*time.Second, "the control group is removed", func() error { return unix.Rmdir(g.dir) })
	})
	return g
}

// use returns how much memory the group has.
func (g *memoryGroup) use(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, g.usage))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (g *memoryGroup) bound(t *testing.T, limit string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, g.limit), []byte(limit), 0); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryIsShort leaves the program, and what the kernel keeps for it, little more than it has, and then
// has it defend against more. Its unit tells Go of the limit, as here.
func TestMemoryIsShort(t *testing.T) {
	g := newMemoryGroup(t)
	const script = `echo $$ > "$0/cgroup.procs" && exec "$@"`
	f := newFaultyBy(t, policyFile{}, "", false, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", script, g.dir}, cmd.Args...)
		cmd.Path = "/bin/sh"
		cmd.Env = append(cmd.Env, "GOMEMLIMIT=16MiB") // less than it has: it collects all the time, at half a core at most
	})
	before := g.use(t)
	limit := before + before/4 + 4<<20
	g.bound(t, strconv.Itoa(limit))
	f.floodFrom(lab.AttackRange().IPv4(3 * floodSources)[floodSources:])
	turns := f.daemon.status().Turns.Count
	f.awaitWell()
	f.awaitStatusLong("thirty turns more", func(s *control.Status) error {
		if n := s.Turns.Count - turns; n < 30 {
			return fmt.Errorf("%d", n)
		}
		return limiting(f.sources)(s)
	})
	f.served(f.clients, 20)
	t.Logf("%d KiB before, %d KiB under the flood, of %d KiB", before>>10, g.use(t)>>10, limit>>10)
	g.bound(t, g.none)
	f.awaitWell()
	f.checkInnocent()
}
