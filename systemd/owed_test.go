package systemd

import (
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// junk is what others send to the manager.
const junk = "X_JUNK=1"

// fill fills the manager's queue from a socket that is not ours, as any local user may.
func (m *manager) fill(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	to := &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	for range 100_000 { // net.unix.max_dgram_qlen is far less
		switch err := unix.Sendto(fd, []byte(junk), unix.MSG_NOSIGNAL, to); {
		case errors.Is(err, unix.EAGAIN):
			return
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatal("the queue takes whatever comes")
}

// drain lets the daemon's loop turn while the manager reads, until a message is there and nothing is owed. It
// returns what came but junk.
func (m *manager) drain(t *testing.T, n *Notifier, last string) (got []string) {
	t.Helper()
	stop := make(chan struct{})
	turned := make(chan error, 1)
	go func() {
		err := n.Watchdog()
		for err != nil {
			select {
			case <-stop:
				turned <- err
				return
			default:
				err = n.Watchdog()
			}
		}
		turned <- nil
	}()
	for len(got) == 0 || got[len(got)-1] != last {
		text, fd := m.nextFD(t)
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		if text != junk {
			got = append(got, text)
		}
	}
	select {
	case err := <-turned:
		if err != nil {
			t.Errorf("the debt is paid, and still %v", err)
		}
	case <-time.After(10 * time.Second):
		close(stop)
		t.Fatalf("the debt is paid, and still %v", <-turned)
	}
	return got
}

// names cuts the time off RELOADING.
func names(messages []string) []string {
	out := make([]string, len(messages))
	for i, m := range messages {
		out[i], _, _ = strings.Cut(m, "\n")
	}
	return out
}

// TestReadyIsNotLost does what the daemon's loop does while others keep the manager's queue full.
func TestReadyIsNotLost(t *testing.T) {
	for _, tt := range []struct {
		name  string
		calls func(*Notifier) []error
		want  []string
	}{
		{"the first", func(n *Notifier) []error {
			return []error{n.Status("peace"), n.Ready()}
		}, []string{"STATUS=peace", "READY=1"}},
		{"after a reload", func(n *Notifier) []error {
			return []error{n.Reloading(), n.Status("peace"), n.Ready(), n.Watchdog()}
		}, []string{"RELOADING=1", "STATUS=peace", "READY=1"}},
		{"after many reloads", func(n *Notifier) (errs []error) {
			for range 50 {
				errs = append(errs, n.Reloading(), n.Ready(), n.Status("peace"), n.Status("peace"), n.Watchdog())
			}
			return append(errs, n.Stopping())
		}, []string{"RELOADING=1", "STATUS=peace", "RELOADING=1", "READY=1", "STOPPING=1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startManager(t)
			n := newNotifier(t)
			m.fill(t)
			for i, err := range tt.calls(n) {
				if !errors.Is(err, ErrStuck) {
					t.Errorf("call %d: got %v, want ErrStuck", i, err)
				}
			}
			if got := names(m.drain(t, n, tt.want[len(tt.want)-1])); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestManagerThatComesBack is one whose socket is gone for a while.
func TestManagerThatComesBack(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	path := os.Getenv("NOTIFY_SOCKET")
	if err := m.conn.Close(); err != nil {
		t.Fatal(err)
	}
	for i, err := range []error{n.Reloading(), n.Ready(), n.Watchdog(), n.Status(""), n.Watchdog()} {
		if err == nil || errors.Is(err, ErrStuck) {
			t.Errorf("call %d: got %v, want the socket's error", i, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m = &manager{conn}
	if got := names(m.drain(t, n, "READY=1")); !slices.Equal(got, []string{"RELOADING=1", "READY=1"}) {
		t.Errorf("got %q", got)
	}
}
