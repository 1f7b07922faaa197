package nspawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// bootTime is how long a boot, and as long again a shutdown, may take. Each takes less than a second.
const bootTime = time.Minute

// launch is the way into a container, in mount and process namespaces that are the shell's own already: a
// /proc for the latter, control groups of version 2 where systemd looks for them, and a /run for what nspawn
// notes there.
const launch = `mount -t proc proc /proc && mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs tmpfs /run || exit 77
exec systemd-nspawn "$@"`

// refusedStatus is what launch ends with if it may not mount.
const refusedStatus = 77

// Boot boots a systemd of the suite in a container whose network is that of a laboratory's namespace, and
// waits until it says that the machine is running. At the end of the test the machine is switched off, and
// its journal is printed if the test has failed.
//
// A test that is not permitted to boot one is skipped, or fails where the environment has CI set.
func Boot(tb testing.TB, suite Suite, network *lab.Namespace) *Machine {
	tb.Helper()
	m := New(tb, suite, network)
	if state := m.Boot(tb); state != "running" {
		tb.Fatalf("%s is not running but %s\n%s", suite, state, m.Try("systemctl", "--failed").Stdout)
	}
	return m
}

// New makes a machine that is switched off, as Boot does otherwise. What is run and put there until its Boot
// is done without a systemd, as by those who build images.
func New(tb testing.TB, suite Suite, network *lab.Namespace) *Machine {
	tb.Helper()
	tar, err := archive(tb, suite)
	if err != nil {
		nstest.Refuse(tb, err)
	}
	m := &Machine{place: newPlace(tb), network: network, ended: make(chan struct{})}
	tb.Cleanup(func() {
		if err := m.remove(); err != nil {
			tb.Error(err)
		}
	})
	if err := unpack(tar, m.tree()); err != nil {
		tb.Fatal(err)
	}
	return m
}

// Boot switches the machine on, once, and waits until systemd has done what it was to do. It returns the
// state that systemd gives then: "running", or "degraded" if something has failed.
func (m *Machine) Boot(tb testing.TB) (state string) {
	tb.Helper()
	began := time.Now()
	if err := m.start(); err != nil {
		nstest.Refuse(tb, err)
	}
	tb.Cleanup(func() { m.switchOff(tb) })
	if err := m.awaitLeader(); err != nil {
		nstest.Refuse(tb, err)
	}
	state = strings.TrimSpace(m.Try("systemctl", "is-system-running", "--wait").Stdout)
	tb.Logf("systemd is %s after %v", state, time.Since(began).Round(time.Millisecond))
	return state
}

func (m *Machine) tree() string    { return filepath.Join(m.place.dir, "tree") }
func (m *Machine) console() string { return filepath.Join(m.place.dir, "console") }

// container is a command line of launch. What it starts is in the control group and the network namespace
// that launch is started in.
//
// The container has no network namespace of its own, so nspawn has to be told that it may rule in it.
// CAP_BPF, CAP_PERFMON and bpf(2) are what systemd takes to enforce IPAddressDeny=.
func (m *Machine) container(args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", launch, "launch", "--quiet", "--directory=" + m.tree(),
		"--machine=" + filepath.Base(m.place.dir), "--hostname=machine", "--register=no", "--keep-unit",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no",
		"--capability=CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf"}, args...)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	return cmd
}

// inside has a process started in a control group, and in mount and process namespaces of its own: it is the
// first in the latter, so whatever it started ends with it.
func inside(group *os.File) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS,
		UseCgroupFD: true, CgroupFD: int(group.Fd())}
}

// start starts nspawn in the machine's control group and the laboratory's namespace.
func (m *Machine) start() error {
	console, err := os.Create(m.console())
	if err != nil {
		return err
	}
	defer console.Close()
	in, err := m.place.group.open()
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := m.container("--boot", "--volatile=overlay", "--console=read-only", "systemd.firstboot=no")
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = inside(in)
	if err := m.network.Start(cmd); err != nil {
		return err
	}
	m.cmd = cmd
	go func() {
		defer close(m.ended)
		_ = m.cmd.Wait() // ProcessState tells the outcome
	}()
	return nil
}

// awaitLeader waits until the container's PID 1 takes orders: it has its own process namespace, and a
// socket. The socket alone would be seen too early on a host whose PID 1 is a systemd.
func (m *Machine) awaitLeader() error {
	for end := time.Now().Add(bootTime); time.Now().Before(end); time.Sleep(pollEvery) {
		select {
		case <-m.ended:
			console, _ := os.ReadFile(m.console())
			err := fmt.Errorf("boot: systemd-nspawn ended with %v\n%s", m.cmd.ProcessState, console)
			if m.cmd.ProcessState.ExitCode() == refusedStatus {
				err = errors.Join(err, unix.EPERM)
			}
			return err
		default:
		}
		nspawn := m.cmd.Process.Pid
		pid := child(nspawn)
		if pid == 0 || sameFile(fmt.Sprintf("/proc/%d/ns/pid", pid), fmt.Sprintf("/proc/%d/ns/pid", nspawn)) {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/systemd/private", pid)); err == nil {
			m.leader = pid
			return nil
		}
	}
	console, _ := os.ReadFile(m.console())
	return fmt.Errorf("boot: no systemd takes orders after %v\n%s", bootTime, console)
}

// child returns the first child of a process, 0 if there is none.
func child(pid int) (first int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil {
		_, err = fmt.Sscan(string(b), &first)
	}
	if err != nil {
		return 0
	}
	return first
}

// sameFile reports whether two paths lead to the same file, and also if one leads nowhere.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX != nil || errY != nil || os.SameFile(x, y)
}
