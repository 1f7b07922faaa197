package lab

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// helper returns a command that runs this test binary as a helper process.
func helper(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVariable+"="+role)
	return cmd
}

func TestDoIsInsideAndLeavesThreadsAlone(t *testing.T) {
	l := newLab(t)
	const own = "/proc/thread-self/ns/net"
	host, process := must(os.Readlink(own))(t), must(os.Readlink("/proc/self/ns/net"))(t)
	want := must(os.Readlink(l.Victim.Path()))(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			var got string
			err := l.Victim.Do(func() (err error) {
				if unix.Gettid() == os.Getpid() {
					return errors.New("on the process's first thread")
				}
				got, err = os.Readlink(own)
				return err
			})
			if err != nil || got != want {
				t.Errorf("inside: %s, want %s; %v", got, want, err)
			}
			if got, err := os.Readlink(own); err != nil || got != host {
				t.Errorf("outside: %s, want %s; %v", got, host, err)
			}
		})
	}
	all.Wait()
	if got := must(os.Readlink("/proc/self/ns/net"))(t); got != process {
		t.Errorf("the process's namespace is %s, was %s", got, process)
	}
}

func TestDoReturnsErrors(t *testing.T) {
	l := newLab(t)
	wrong := errors.New("wrong")
	if err := l.Victim.Do(func() error { return wrong }); err != wrong {
		t.Errorf("got %v", err)
	}
	err := l.Victim.Do(func() error { runtime.Goexit(); return nil })
	if !errors.Is(err, errGoexit) {
		t.Errorf("after Goexit: %v", err)
	}
}

func TestSysctl(t *testing.T) {
	l := newLab(t)
	const name = "net.ipv4.tcp_fin_timeout"
	outside := must(os.ReadFile("/proc/sys/net/ipv4/tcp_fin_timeout"))(t)
	if err := l.Victim.SetSysctl(name, "17"); err != nil {
		t.Fatal(err)
	}
	if got := must(l.Victim.Sysctl(name))(t); got != "17" {
		t.Errorf("victim: %s", got)
	}
	if got := must(l.Clients.Sysctl(name))(t); got == "17" {
		t.Errorf("clients: %s", got)
	}
	if got := must(os.ReadFile("/proc/sys/net/ipv4/tcp_fin_timeout"))(t); string(got) != string(outside) {
		t.Errorf("the host's value changed to %s", got)
	}
	if _, err := l.Victim.Sysctl("net.ipv4.no_such_thing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unknown name: %v", err)
	}
	for _, bad := range []string{"kernel.hostname", "net/../kernel/hostname", "net...kernel.hostname", "", "net./x"} {
		if err := l.Victim.SetSysctl(bad, "1"); err == nil || !strings.Contains(err.Error(), "net.") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestConntrackCountOfAFreshNamespace(t *testing.T) {
	l := newLab(t)
	count, err := l.Victim.ConntrackCount()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel has no conntrack")
	}
	if err != nil || count != 0 {
		t.Errorf("%d, %v", count, err)
	}
}

func TestStartedProcessSeesItsNamespace(t *testing.T) {
	l := newLab(t)
	if err := l.Victim.SetSysctl("net.ipv4.tcp_fin_timeout", "19"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd := helper("netns")
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := l.Victim.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"attackers:", "clients:", "lo:", "\n19\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in what the process saw:\n%s", want, &out)
		}
	}
}

func TestStartNamesWhatCannotBeStarted(t *testing.T) {
	l := newLab(t)
	err := l.Victim.Start(exec.Command("/no/such/program"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("got %v", err)
	}
}

func TestCloseKillsStartedProcesses(t *testing.T) {
	newLab(t)
	l := must(New())(t)
	cmd := helper("block")
	out := must(cmd.StdoutPipe())(t)
	if err := l.Victim.Start(cmd); err != nil {
		t.Fatal(err)
	}
	must(out.Read(make([]byte, 1)))(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.String() != "signal: killed" {
		t.Errorf("the process ended with %v", err)
	}
}

// TestNothingOutlivesAKilledOwner kills a process that owns a laboratory with a process in it. The
// owner lives in a namespace of our own laboratory, from which a link leads into its victim.
func TestNothingOutlivesAKilledOwner(t *testing.T) {
	l := newLab(t)
	owner := helper("owner")
	owner.Stderr = os.Stderr
	out := must(owner.StdoutPipe())(t)
	if err := l.Victim.Start(owner); err != nil {
		t.Fatal(err)
	}
	line := must(bufio.NewReader(out).ReadString('\n'))(t)
	pid := must(strconv.Atoi(strings.TrimSpace(line)))(t)
	pidfd := must(unix.PidfdOpen(pid, 0))(t)
	defer unix.Close(pidfd)
	exists := func() bool {
		return l.Victim.Do(func() error { _, err := netlink.LinkByName("witness"); return err }) == nil
	}
	if isReady(pidfd, unix.POLLIN) || !exists() {
		t.Fatal("the process or the link is gone before its owner was killed")
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	await(t, "the kernel kills the process inside", func() bool { return isReady(pidfd, unix.POLLIN) })
	await(t, "the kernel removes the namespace", func() bool { return !exists() })
}
