package crowd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
)

// ownerVariable makes the test binary build a crowd and wait to be killed.
const ownerVariable = "EBBGATE_CROWD_OWNER"

func TestMain(m *testing.M) {
	Worker()
	if os.Getenv(ownerVariable) != "" {
		own()
		return
	}
	os.Exit(m.Run())
}

// own builds a crowd in the namespace it was started in, says who the workers are, and waits.
func own() {
	runtime.LockOSThread()
	crowd, err := Build(context.Background(), Config{Sockets: 200, Sources: 10, Listeners: 5, WorkerSockets: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Trim(fmt.Sprint(crowd.Workers()), "[]"))
	for {
		_ = unix.Pause()
	}
}

// enter gives the test a namespace in which the crowd's addresses are local.
func enter(tb testing.TB) *inetdiag.Conn {
	tb.Helper()
	nstest.Enter(tb)
	nstest.AnyIP(tb, "10.0.0.0/8", "2001:db8::/32")
	c, err := inetdiag.Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// sockets counts the sockets that are not listeners.
func sockets(tb testing.TB, c *inetdiag.Conn, each func(*inetdiag.Socket)) int {
	tb.Helper()
	n := 0
	req := inetdiag.Request{Family: unix.AF_UNSPEC, States: ^inetdiag.StatesOf(inetdiag.Listen)}
	if err := c.Dump(req, func(s *inetdiag.Socket) {
		n++
		each(s)
	}); err != nil {
		tb.Fatal(err)
	}
	return n
}

func ignore(*inetdiag.Socket) {}

func TestKernelBuild(t *testing.T) {
	c := enter(t)
	var progress []int
	crowd, err := Build(t.Context(), Config{Sockets: 2000, Sources: 50, Listeners: 10, WorkerSockets: 700,
		Progress: func(n int) { progress = append(progress, n) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(crowd.Workers()) != 3 || len(progress) != 3 || progress[2] != 2000 {
		t.Errorf("%d workers, progress %v; want 3, and 2000 in the end", len(crowd.Workers()), progress)
	}
	sources := map[netip.Addr]int{}
	mapped, six := 0, 0
	n := sockets(t, c, func(s *inetdiag.Socket) {
		if s.State != inetdiag.Established || s.Inode == 0 {
			t.Errorf("%v to %v is %v, inode %d", s.Local(), s.Remote(), s.State, s.Inode)
		}
		if s.LocalPort < FirstPort || s.LocalPort >= FirstPort+10 {
			return // the side that connected
		}
		sources[s.Remote().Addr()]++
		if s.Remote().Addr().Is6() {
			six++
		} else if s.Family == unix.AF_INET6 {
			mapped++
		}
	})
	if n != 2000 || len(sources) != 50 || six != 200 || mapped == 0 {
		t.Errorf("%d sockets, %d sources, %d of IPv6 ones, %d mapped; want 2000, 50, 200 and some", n, len(sources), six, mapped)
	}
	for a, n := range sources {
		if n != 20 {
			t.Errorf("%v has %d connections, want 20", a, n)
		}
	}
	if err := crowd.Close(); err != nil {
		t.Fatal(err)
	}
	if n := sockets(t, c, ignore); n != 0 {
		t.Errorf("%d sockets are left after Close", n)
	}
	if err := crowd.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestKernelBuildFails(t *testing.T) {
	c := enter(t)
	config := Config{Sockets: 2000, Sources: 50, Listeners: 5, WorkerSockets: 200}
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	config.Progress = func(int) { cancel(reason) }
	if _, err := Build(ctx, config); !errors.Is(err, reason) {
		t.Errorf("canceled: got %v, want %v", err, reason)
	}
	config.Progress = nil
	taken := nstest.Listen(t, fmt.Sprintf("0.0.0.0:%d", FirstPort+1), 1)
	if _, err := Build(t.Context(), config); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), strconv.Itoa(FirstPort+1)) {
		t.Errorf("port in use: got %v", err)
	}
	taken.Close()
	if n := sockets(t, c, ignore); n != 0 {
		t.Errorf("%d sockets are left", n)
	}
}

func TestKernelAddressesNotLocal(t *testing.T) {
	nstest.Enter(t)
	_, err := Build(t.Context(), Config{Sockets: 20, Sources: 5, Listeners: 5})
	if err == nil || !strings.Contains(err.Error(), "connect") || !strings.Contains(err.Error(), "10.66.0.1") {
		t.Errorf("got %v, want an error that names the address and what was tried", err)
	}
}

func TestKernelDiesWithItsBuilder(t *testing.T) {
	c := enter(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), ownerVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || len(strings.Fields(line)) != 2 {
		t.Errorf("the builder said %q, %v; want two process IDs", line, err)
	}
	if n := sockets(t, c, ignore); n != 200 {
		t.Errorf("%d sockets, want 200", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	nstest.Await(t, "the killed builder's sockets to go", func() bool { return sockets(t, c, ignore) == 0 })
}
