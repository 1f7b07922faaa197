package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// highPorts are those of a service that a stranger can bind.
const (
	highPort  = 9100
	highPorts = 130
)

// doAs calls f in the victim on a thread of a user without any privilege, which ends with it. What f makes is that
// user's.
func (s *stage) doAs(id int, f func() error) error {
	s.t.Helper()
	ended := make(chan error, 1) // capacity 1: the thread never waits
	go func() {
		runtime.LockOSThread() // for good: nobody else may get this thread
		ended <- func() error {
			ns, err := os.Open(s.Victim.Path())
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			if err := become(id, id); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-ended
}

// become makes the calling thread, which must be locked for good, one of a user and group without any privilege.
func become(uid, gid int) error {
	u, g := uintptr(uid), uintptr(gid)
	// Package syscall would change all threads of the process.
	for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS}, {unix.SYS_SETRESGID, g, g, g}, {unix.SYS_SETRESUID, u, u, u}} {
		if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
			return fmt.Errorf("become user %d of group %d: %w", uid, gid, errno)
		}
	}
	return nil
}

// bound returns a TCP socket of the calling thread bound to a port, which others of its user may bind too. It is
// closed when the test ends.
func bound(t *testing.T, at netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd, errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}))
}

// TestStrangersListener is about a local user who opens sockets on services' ports. He cannot join another user's
// listener. On free ports of a service his listener is as good as any, so who may bind a service's port is part of that
// service: by connections of his own from those ports he makes a host seem to hold connections of it. That costs the
// host that service, and no other.
func TestStrangersListener(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	far := netip.AddrPortFrom(lab.ClientV4(), 7000)
	if _, err := lab.StartServer(t.Context(), s.Clients, lab.ServerConfig{Listen: []netip.AddrPort{far}, Capacity: 2 * highPorts}); err != nil {
		t.Fatal(err)
	}
	d := s.daemon(policyFile{services: []serviceText{{"shop", fmt.Sprint(port), perSource}, {"high", fmt.Sprintf(`"%d-%d"`, highPort, highPort+highPorts-1), perSource}}})
	if err := s.doAs(stranger, func() error {
		_, err := bound(t, netip.AddrPortFrom(lab.VictimV4(), port))
		return err
	}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a stranger binds the port of another user's listener: %v", err)
	}
	if err := s.doAs(stranger, func() error {
		for i := range highPorts {
			at := netip.AddrPortFrom(lab.VictimV4(), uint16(highPort+i))
			listener, err := bound(t, at)
			if err != nil {
				return err
			}
			out, err := bound(t, at)
			if err != nil {
				return err
			}
			if err := errors.Join(unix.Connect(out, &unix.SockaddrInet4{Port: int(far.Port()), Addr: far.Addr().As4()}), unix.Listen(listener, 16)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	status := d.awaitStatus("the far host is limited at the stranger's service", func(st *control.Status) error {
		if l := st.Services[1].Limits; len(l) != 1 || l[0].Source.Addr() != far.Addr() {
			return fmt.Errorf("%+v", st.Services[1])
		}
		return healthy(st)
	})
	if shop := status.Services[0]; shop.LimitsTotal != 0 || len(shop.Attacks) != 0 {
		t.Errorf("the other service has something against it: %+v", shop)
	}
	if err := s.open(s.Clients, far.Addr(), v4()); err != nil {
		t.Errorf("the far host cannot use the other service: %v", err)
	}
}
