package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// note is a notification of an event with every field, as a stranger may have filled them.
func note() *Notification {
	e := began(3, "web")
	mode := policy.Enforce
	e.Mode, e.Why = &mode, "a $(touch /tmp/x)\n\x1b[2J`id` <!channel>"
	return compose("victim", []item{itemOf(e)}, 0)
}

// script makes a program of shell lines. The test's own scripts need a shell; Command never does.
func script(t *testing.T, lines string, timeout time.Duration, args ...string) *Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := NewCommand(append([]string{path}, args...), JSON, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommandIsGivenTheEvent(t *testing.T) {
	t.Setenv("SECRET_OF_OURS", "x")
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
	dir := t.TempDir()
	c := script(t, `cat >"$1/stdin"; env >"$1/env"; pwd >"$1/pwd"; printf '%s\n' "$2" >"$1/arg"; ls -l /proc/self/fd >"$1/fds"`,
		time.Minute, dir, "; exit 3 $(id)")
	n := note()
	if err := c.Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var got Notification
	if err := json.Unmarshal([]byte(read("stdin")), &got); err != nil || got.Why != n.Why || got.ID != 3 || got.Host != "victim" || got.Text != n.Text {
		t.Errorf("standard input is %+v, %v", got, err)
	}
	if read("arg") != "; exit 3 $(id)\n" || read("pwd") != "/\n" {
		t.Errorf("argument %q, directory %q", read("arg"), read("pwd"))
	}
	// Whatever tests run beside this one have sockets open: none may be the program's.
	if fds := read("fds"); strings.Contains(fds, "socket:") || strings.Contains(fds, "anon_inode:") {
		t.Errorf("the program has descriptors of ours:\n%s", fds)
	}
	env := "\n" + read("env")
	for _, want := range []string{"\nEBBGATE_EVENT=attack-began\n", "\nEBBGATE_SERVICE=web\n", "\nEBBGATE_MODE=enforce\n", "\nEBBGATE_ID=3\n",
		"\nEBBGATE_AT=2026-03-01T03:00:03Z\n", "\nCREDENTIALS_DIRECTORY=/run/credentials/x\n", "\nPATH=" + commandPath + "\n", "\nEBBGATE_IMPORTANCE=urgent\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("no %q in the environment:%s", want, env)
		}
	}
	if strings.Contains(env, "SECRET_OF_OURS") || strings.ContainsAny(env, "$`\x1b<>") {
		t.Errorf("the environment has what it must not have:%q", env)
	}
}

func TestCommandFails(t *testing.T) {
	for _, tt := range []struct {
		lines     string
		temporary bool
		want      string
	}{
		{"echo no such user >&2; exit 67", false, "exit status 67"},
		{"echo no such user; exit 75", true, "exit status 75"},
		{"printf '\\033[2Jx'; exit 1", false, `"\x1b[2Jx"`},
		{"kill -9 $$", false, "killed"},
		{"head -c 9000000 /dev/zero | tr '\\0' y; exit 1", false, "yyyy..."},
	} {
		err := script(t, tt.lines, time.Minute).Send(t.Context(), note())
		var temporary *Temporary
		if err == nil || errors.As(err, &temporary) != tt.temporary || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > maxOutput+300 {
			t.Errorf("%s: %v", tt.lines, err)
		}
	}
}

// TestCommandThatReadsNothing: standard input that nobody reads is no failure.
func TestCommandThatReadsNothing(t *testing.T) {
	n := note()
	n.Lines = slices.Repeat([]string{strings.Repeat("x", 1000)}, 500)
	if err := script(t, "exit 0", time.Minute).Send(t.Context(), n); err != nil {
		t.Error(err)
	}
}

func TestNewCommandRefuses(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{nil, {"true"}, {"./true"}, {plain}, {dir}, {filepath.Join(dir, "none")}} {
		if _, err := NewCommand(argv, JSON, time.Second); err == nil {
			t.Errorf("%q is taken", argv)
		}
	}
	c := script(t, "exit 0", time.Minute)
	if err := os.Remove(c.argv[0]); err != nil {
		t.Fatal(err)
	}
	var temporary *Temporary
	if err := c.Send(t.Context(), note()); !errors.As(err, &temporary) || strings.Count(err.Error(), c.argv[0]) != 1 {
		t.Errorf("a program that is gone: %v", err)
	}
}

// family is a program that starts another one, which writes its id, and ignores what the lines say.
const family = `trap '%s' TERM
sh -c "trap '' TERM; echo \$\$ >'$1'; while :; do sleep 1; done" &
while :; do sleep 1; done`

// TestTimeOutEndsTheGroup: what the program has started goes with it, whether it obeys SIGTERM or not.
func TestTimeOutEndsTheGroup(t *testing.T) {
	for _, trap := range []string{"exit 0", ""} {
		for _, cancelled := range []bool{false, true} {
			t.Run(fmt.Sprintf("trap %q cancelled %t", trap, cancelled), func(t *testing.T) {
				t.Parallel()
				endsTheGroup(t, trap, cancelled)
			})
		}
	}
}

func endsTheGroup(t *testing.T, trap string, cancelled bool) {
	file := filepath.Join(t.TempDir(), "pid")
	timeout := time.Second
	if cancelled {
		timeout = time.Hour
	}
	c := script(t, fmt.Sprintf(family, trap), timeout, file)
	c.grace = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Send(ctx, note()) }()
	child := 0
	until(t, "the program has a child", func() bool {
		b, _ := os.ReadFile(file)
		child, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return child > 0
	})
	if cancelled {
		cancel()
	}
	err := <-ended
	if cancelled && !errors.Is(err, context.Canceled) || !cancelled && (err == nil || !strings.Contains(err.Error(), "time-out")) {
		t.Errorf("got %v", err)
	}
	until(t, "the child has ended", func() bool { return !alive(child) })
}

// alive reports whether a process exists and is no zombie, which whoever it was left to may keep.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

// TestCommandLeavesNothing: after many runs that end in every way there is no zombie and no descriptor more.
func TestCommandLeavesNothing(t *testing.T) {
	well, fails := script(t, "exit 0", time.Minute), script(t, "exit 1", time.Minute)
	slow := script(t, "sleep 60", 50*time.Millisecond)
	// It ends well and leaves something that holds its output open.
	leaves := script(t, `sleep 60 & echo $! >"$1"; exit 0`, time.Minute, filepath.Join(t.TempDir(), "left"))
	before := descriptors(t)
	for range 5 {
		_ = fails.Send(t.Context(), note())
		_ = slow.Send(t.Context(), note())
		if err := well.Send(t.Context(), note()); err != nil {
			t.Error(err)
		}
		if err := leaves.Send(t.Context(), note()); err != nil {
			t.Errorf("a program that leaves another one running: %v", err)
		}
		b, err := os.ReadFile(leaves.argv[1])
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || !alive(pid) {
			t.Errorf("what a program left running that ended in time has ended: %v", err)
		} else {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	until(t, "all descriptors are closed", func() bool { return descriptors(t) <= before })
	for _, c := range []*Command{well, fails, slow} {
		if left := zombies(t, c); left != 0 {
			t.Errorf("%d zombies", left)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// zombies counts the children of this process by the program's name that were not reaped.
func zombies(t *testing.T, c *Command) (n int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("(%s) Z %d ", filepath.Base(c.argv[0]), os.Getpid())
	for _, path := range stats {
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), want) {
			n++
		}
	}
	return n
}

func FuzzSanitise(f *testing.F) {
	f.Add("web")
	f.Add("$(id)\n`x`\x1b[2J\\\"'")
	f.Add(strings.Repeat("é", 4000))
	f.Fuzz(func(t *testing.T, value string) {
		got := sanitise(value)
		if strings.ContainsAny(got, "$`\"'\\;&|<>(){}[]*?!#~\n\r\x00\x1b") || len(got) > maxVariable || got != control.Escape(got) {
			t.Errorf("%q becomes %q", value, got)
		}
	})
}
