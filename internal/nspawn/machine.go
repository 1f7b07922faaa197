package nspawn

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

const (
	pollEvery = 10 * time.Millisecond
	// runTime is how long a command may take.
	runTime = 90 * time.Second
)

// Machine is a container whose PID 1 is a systemd. Its methods are safe for concurrent use, except Boot and,
// before that, all of them.
type Machine struct {
	place   place
	network *lab.Namespace
	cmd     *exec.Cmd     // systemd-nspawn; nil: not started, and ended is never closed
	ended   chan struct{} // closed when it has ended
	leader  int           // 0: not booted
}

// Result is what a command has left that ended.
type Result struct {
	Stdout, Stderr string
	Status         int // -1 if a signal ended it, or it could not be started
}

func (r Result) String() string {
	return fmt.Sprintf("status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
}

// Leader returns the process of the machine's PID 1, as this process numbers it; 0 before Boot.
func (m *Machine) Leader() int { return m.leader }

// environment is what a command finds, much as a service does.
func environment() []string {
	return []string{"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
}

// Try runs a command as root inside the machine until it ends or has taken 90 seconds. What could not be run
// ends with status -1 and an explanation in Stderr.
func (m *Machine) Try(argv ...string) Result { return m.Feed("", argv...) }

// Feed is Try with something to read at the standard input.
func (m *Machine) Feed(stdin string, argv ...string) Result {
	cmd, in, err := m.command(append(environment(), argv...))
	if err != nil {
		return Result{Stderr: err.Error(), Status: -1}
	}
	defer in.Close()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(in.Fd())}
	start := cmd.Start
	if m.leader == 0 {
		cmd.SysProcAttr = inside(in)
		start = func() error { return m.network.Start(cmd) }
	}
	// The command is a child of what is started here, outlives its death, and may hold the pipes: it ends
	// with the machine.
	cmd.WaitDelay = time.Second
	if err = start(); err == nil {
		timer := time.AfterFunc(runTime, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		err = cmd.Wait()
	}
	status := -1
	if cmd.ProcessState != nil {
		status = cmd.ProcessState.ExitCode()
	}
	if err != nil && status <= 0 {
		fmt.Fprintf(&stderr, "run %s: %v\n", strings.Join(argv, " "), err)
		status = -1
	}
	return Result{stdout.String(), stderr.String(), status}
}

// command returns what runs a command inside the machine, and the control group to start it in: nsenter, or
// a container without a systemd if the machine is not booted.
func (m *Machine) command(argv []string) (*exec.Cmd, *os.File, error) {
	if m.leader == 0 {
		in, err := m.place.group.workers().open()
		return m.container(append([]string{"--pipe", "--as-pid2", "--"}, argv...)...), in, err
	}
	in, err := m.place.group.visitors().open()
	return exec.Command("nsenter", append([]string{"-t", strconv.Itoa(m.leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"}, argv...)...), in, err
}

// Run is Try of a command that has to end with status 0; it returns what it printed on its standard output.
func (m *Machine) Run(tb testing.TB, argv ...string) string {
	tb.Helper()
	r := m.Try(argv...)
	if r.Status != 0 {
		tb.Fatalf("%s: %s", strings.Join(argv, " "), r)
	}
	return r.Stdout
}

// Put copies a file of this machine to a path inside, of which it makes the directories, too. A file that
// is there is replaced. The owner is root.
func (m *Machine) Put(tb testing.TB, src, dst string, mode os.FileMode) {
	tb.Helper()
	b, err := os.ReadFile(src)
	if err != nil {
		tb.Fatal(err)
	}
	m.Write(tb, dst, string(b), mode)
}

// Write is Put of a text.
func (m *Machine) Write(tb testing.TB, dst, text string, mode os.FileMode) {
	tb.Helper()
	// Inside, as a link of the machine's leads where it is meant to only there.
	if r := m.Feed(text, "install", "-D", "-m", fmt.Sprintf("%04o", mode.Perm()), "/dev/stdin", dst); r.Status != 0 {
		tb.Fatalf("write %s: %s", dst, r)
	}
}
