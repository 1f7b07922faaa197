package inetdiag

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// TestKernelDestroyWaiting: a connection that waits in an accept queue is gone, but keeps its place in the
// queue until the application takes it.
func TestKernelDestroyWaiting(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	client := nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	c := open(t)
	s := single(t, c, Request{Family: unix.AF_INET, States: StatesOf(Established), Filter: port(t, 80)})
	if err := c.DestroyAll([]Named{{s.Family, s.ID}}, func(_ int, err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	if err := client.Read(); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the client reads %v", err)
	}
	queue := func() uint32 { return find(t, c, Request{Family: unix.AF_INET, States: StatesOf(Listen)})[0].RQueue }
	if n := queue(); n != 1 {
		t.Errorf("%d in the accept queue, want 1", n)
	}
	if err := l.Accept().Read(); !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("what the application has accepted reads %v", err)
	}
	if n := queue(); n != 0 {
		t.Errorf("%d in the accept queue after accept", n)
	}
}

// TestKernelDestroyTimeWait: what has come to TIME_WAIT is destroyed, or counts as gone on kernels that cannot. They are
// not taken for kernels that destroy nothing.
func TestKernelDestroyTimeWait(t *testing.T) {
	for name, destroy := range map[string]func(*Conn, *Socket) error{
		"alone": func(c *Conn, s *Socket) error { return c.Destroy(s.Family, s.ID) },
		"in a batch": func(c *Conn, s *Socket) error {
			var why error
			err := c.DestroyAll([]Named{{s.Family, s.ID}}, func(_ int, err error) { why = err })
			return errors.Join(err, why)
		},
	} {
		t.Run(name, func(t *testing.T) {
			nstest.Enter(t)
			l := nstest.Listen(t, "127.0.0.1:80", 5)
			client := nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
			l.Accept().Close()
			client.Close()
			c := open(t)
			waiting := Request{Family: unix.AF_INET, States: StatesOf(TimeWait), Filter: port(t, 80)}
			s := single(t, c, waiting)
			if err := destroy(c, &s); err != nil && !errors.Is(err, ErrGone) {
				t.Errorf("a connection in TIME_WAIT: %v", err)
			}
			if left := find(t, c, waiting); len(left) != 0 && nstest.Linux(t, 6, 12) {
				t.Errorf("%d are left in TIME_WAIT", len(left))
			}
		})
	}
}

// TestKernelDestroySubflow: of an MPTCP connection only the TCP connection underneath is named and
// reset. The client is told; the server's application only once the kernel has waited for another subflow
// to come, which is a minute unless net.mptcp.close_timeout says otherwise.
func TestKernelDestroySubflow(t *testing.T) {
	nstest.Enter(t)
	if !nstest.Linux(t, 6, 8) {
		t.Skip("this kernel has no net.mptcp.close_timeout, of Linux 6.8")
	}
	if err := os.WriteFile("/proc/sys/net/mptcp/close_timeout", []byte("1"), 0); err != nil {
		t.Fatalf("this test needs MPTCP and net.mptcp.close_timeout: %v", err)
	}
	var config net.ListenConfig
	config.SetMultipathTCP(true)
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	dialer.SetMultipathTCP(true)
	client, err := dialer.Dial("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if multipath, err := server.(*net.TCPConn).MultipathTCP(); err != nil || !multipath {
		t.Fatalf("multipath: %v, %v", multipath, err)
	}
	c := open(t)
	s := single(t, c, Request{Family: unix.AF_INET, States: StatesOf(Established), Filter: port(t, 80)})
	if err := c.DestroyAll([]Named{{s.Family, s.ID}}, func(_ int, err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	if left := find(t, c, Request{Family: unix.AF_INET, States: StatesOf(Established), Filter: port(t, 80)}); len(left) != 0 {
		t.Errorf("%d TCP connections left", len(left))
	}
	read := func(conn net.Conn, patience time.Duration) error {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Read(make([]byte, 1))
		return err
	}
	if err := read(client, 5*time.Second); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the client reads %v", err)
	}
	if err := read(server, 20*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the kernel has waited the server reads %v", err)
	} else {
		t.Logf("the server reads %v", err)
	}
}
