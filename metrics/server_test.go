package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// free returns a loopback address nobody listens at.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// serving is a server in a namespace of the test's own, at a loopback address.
func serving(t *testing.T) (*Server, netip.AddrPort) {
	t.Helper()
	nstest.Enter(t)
	s := New(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = s.Close() })
	at := free(t)
	if err := s.Serve(at); err != nil {
		t.Fatal(err)
	}
	return s, at
}

// dial connects. It is done here and not by an http.Client, as its goroutines are in another namespace.
func dial(t *testing.T, at netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// answered is what a whole connection brought.
type answered struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, at netip.AddrPort, method, path string) answered {
	t.Helper()
	c := dial(t, at)
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\n\r\n", method, path, at)
	return read(t, c, method)
}

func TestAnswers(t *testing.T) {
	s, at := serving(t)
	if got := ask(t, at, "GET", "/metrics"); got.status != 503 || got.header.Get("Retry-After") != "1" {
		t.Errorf("before the first status: %+v", got)
	}
	s.Publish(busy())
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/metrics", 200, "ebbgate_service_connections{service=\"web\"} 2104\n"},
		{"GET", "/metrics?name[]=x", 200, "process_open_fds "},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/", 200, "href=\"/metrics\""},
		{"HEAD", "/", 200, ""},
		{"POST", "/metrics", 405, "Method Not Allowed"},
		{"PUT", "/", 405, "Method Not Allowed"},
		{"DELETE", "/metrics", 405, "Method Not Allowed"},
		{"GET", "/metrics/", 404, "not found"},
		{"GET", "/debug/pprof/", 404, "not found"},
		{"GET", "/v1/status", 404, "not found"},
	} {
		got := ask(t, at, c.method, c.path)
		if got.status != c.status || !strings.Contains(got.body, c.body) {
			t.Errorf("%s %s: %d %.80q, want %d and %q", c.method, c.path, got.status, got.body, c.status, c.body)
		}
		if c.method == "HEAD" && (got.body != "" || got.header.Get("Content-Length") == "0") {
			t.Errorf("HEAD %s: %+v", c.path, got)
		}
		if c.status == 200 && strings.HasPrefix(c.path, "/metrics") && !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Errorf("%s %s is of type %q", c.method, c.path, got.header.Get("Content-Type"))
		}
	}
	calm := busy()
	calm.Services[0].Held = 7
	s.Publish(calm)
	if got := ask(t, at, "GET", "/metrics"); !strings.Contains(got.body, "ebbgate_service_connections{service=\"web\"} 7\n") {
		t.Error("a newer status is not shown")
	}
	calm = busy()
	calm.Services[0].Name = "a\xffb"
	s.Publish(calm)
	if got := ask(t, at, "GET", "/metrics"); got.status != 500 || !strings.Contains(got.body, "gather metrics: ") {
		t.Errorf("what cannot be shown: %d %q", got.status, got.body)
	}
}

// TestServeFollowsThePolicy opens, moves and closes the listener.
func TestServeFollowsThePolicy(t *testing.T) {
	s, first := serving(t)
	s.Publish(busy())
	stuck := dial(t, first)
	second := netip.AddrPortFrom(netip.IPv4Unspecified(), first.Port()) // the same port, so that the first has to go before
	for _, at := range []netip.AddrPort{second, second, netip.MustParseAddrPort("[::1]:9815"), {}, first} {
		if err := s.Serve(at); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		for _, old := range []string{"127.0.0.1:" + fmt.Sprint(first.Port()), "[::1]:9815"} {
			reach := netip.MustParseAddrPort(old)
			want := reach == at || at == second && reach == first
			c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(reach))
			if err == nil {
				_ = c.Close()
			}
			if (err == nil) != want {
				t.Errorf("serving at %s, %s answers with %v", at, reach, err)
			}
		}
		if at.IsValid() && at != second {
			if got := ask(t, at, "GET", "/metrics"); got.status != 200 {
				t.Errorf("%s answers %d", at, got.status)
			}
		}
	}
	if n, err := stuck.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a connection to an address that was left brought %d bytes and %v", n, err)
	}
}

// TestPortInUse is an error until the port is free, which is tried every few seconds and not in each call.
func TestPortInUse(t *testing.T) {
	s, _ := serving(t)
	other, err := net.Listen("tcp4", "127.0.0.1:9815")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort("127.0.0.1:9815")
	const want = "listen at 127.0.0.1:9815: address already in use; take another port, or stop what listens there"
	for range 3 {
		if err := s.Serve(at); err == nil || err.Error() != want {
			t.Fatalf("error %v, want %q", err, want)
		}
	}
	_ = other.Close()
	if err := s.Serve(at); err == nil {
		t.Error("it was tried again at once")
	}
	s.again = time.Time{} // as if the time had passed
	if err := s.Serve(at); err != nil {
		t.Errorf("the port is free: %v", err)
	}
	// What accepts no more is begun again.
	_ = s.running.http.Close()
	<-s.running.ended
	if err := s.Serve(at); err == nil || !strings.Contains(err.Error(), "accept connections: ") {
		t.Errorf("the listener has gone: %v", err)
	}
	s.again = time.Time{}
	if err := s.Serve(at); err != nil {
		t.Errorf("it is not begun again: %v", err)
	}
	s.Publish(busy())
	if got := ask(t, at, "GET", "/metrics"); got.status != 200 {
		t.Errorf("it answers %d", got.status)
	}
}

func TestExplain(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:9815")
	for errno, want := range map[syscall.Errno]string{
		syscall.EAFNOSUPPORT:  "install the drop-in metrics.conf",
		syscall.EPERM:         "install the drop-in metrics.conf",
		syscall.EACCES:        "take a port of 1024 or above",
		syscall.EADDRINUSE:    "take another port",
		syscall.EADDRNOTAVAIL: "none of this host's addresses",
		syscall.EMFILE:        "too many open files",
	} {
		err := explain(at, &net.OpError{Op: "listen", Err: errno})
		if !strings.HasPrefix(err.Error(), "listen at 127.0.0.1:9815: "+errno.Error()) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q", errno, err)
		}
	}
	if err := explain(at, io.EOF); err.Error() != "listen at 127.0.0.1:9815: EOF" {
		t.Errorf("%q", err)
	}
}

// TestAddressOfNobody: one that this host does not have.
func TestAddressOfNobody(t *testing.T) {
	s, _ := serving(t)
	if err := s.Serve(netip.MustParseAddrPort("192.0.2.1:9815")); err == nil || !strings.Contains(err.Error(), "none of this host's addresses") {
		t.Errorf("error %v", err)
	}
}
