package inetdiag

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// subscribe opens a Subscription that listens.
func subscribe(tb testing.TB) *Subscription {
	tb.Helper()
	s, err := Subscribe()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := s.Listen(true); err != nil {
		tb.Fatal(err)
	}
	return s
}

// read reads what there is.
func read(tb testing.TB, s *Subscription, each func(*Socket)) {
	tb.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Read(100, each); err != nil {
			tb.Fatal(err)
		}
	}
}

// markerPort is where tests end a connection to learn that what was before has been notified of.
const markerPort = 9

// heard returns what is notified of the server's side of connections to ports 80 to 89, in words,
// waiting until there are want of them, and then for a marker, so that more would be noticed.
func heard(t *testing.T, s *Subscription, want int) []string {
	t.Helper()
	var all []string
	marked := false
	each := func(k *Socket) {
		switch {
		case k.LocalPort == markerPort:
			marked = true
		case k.LocalPort >= 80 && k.LocalPort < 90:
			peer := "whole"
			if k.RemotePort == 0 {
				peer = "aborted"
			}
			if k.State != Close || !k.HasInfo {
				t.Errorf("state %v, tcp_info %v", k.State, k.HasInfo)
			}
			all = append(all, fmt.Sprintf("%d %v %v %s", k.Family, k.Local(), k.Remote().Addr(), peer))
		}
	}
	nstest.Await(t, fmt.Sprintf("%d endings", want), func() bool { read(t, s, each); return len(all) >= want })
	l := nstest.Listen(t, fmt.Sprintf("127.0.0.1:%d", markerPort), 1)
	c := nstest.Dial(t, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", markerPort))
	server := l.Accept()
	c.Reset()
	server.Close()
	l.Close()
	nstest.Await(t, "the marker", func() bool { read(t, s, each); return marked })
	return all
}

// TestKernelEndings is what the comment of Subscription says.
func TestKernelEndings(t *testing.T) {
	type pair struct{ listener, client, server *nstest.Sock }
	ends := []struct {
		name   string
		end    func(t *testing.T, p pair)
		before int // endings before the server's process closes its socket
		abort  bool
	}{
		{"client's FIN first", func(_ *testing.T, p pair) { p.client.Close() }, 0, false},
		{"server's FIN first", func(_ *testing.T, p pair) { p.server.Close(); p.client.Close() }, 1, false},
		{"client's reset", func(_ *testing.T, p pair) { p.client.Reset() }, 0, false},
		{"client's reset, data unread", func(_ *testing.T, p pair) { p.client.Write([]byte("x")); p.client.Reset() }, 0, false},
		{"server's reset", func(_ *testing.T, p pair) { p.server.Reset() }, 1, true},
		{"server's reset after data", func(_ *testing.T, p pair) { p.server.Write([]byte("x")); p.server.Reset() }, 1, true},
		{"SOCK_DESTROY", func(t *testing.T, p pair) { destroyAll(t) }, 0, false},
	}
	hosts := []struct{ name, listen, from, to, whole, aborted string }{
		{"IPv4", "0.0.0.0:80", "10.66.0.1:0", "10.77.0.1:80", "2 10.77.0.1:80 10.66.0.1 whole", "2 0.0.0.0:80 10.66.0.1 aborted"},
		{"IPv4 bound", "10.77.0.1:80", "10.66.0.1:0", "10.77.0.1:80", "2 10.77.0.1:80 10.66.0.1 whole", "2 10.77.0.1:80 10.66.0.1 aborted"},
		{"IPv6", "[::]:80", "[2001:db8:66::1]:0", "[2001:db8:77::1]:80", "10 [2001:db8:77::1]:80 2001:db8:66::1 whole", "10 [::]:80 2001:db8:66::1 aborted"},
		{"mapped", "[::]:80", "10.66.0.1:0", "10.77.0.1:80", "10 10.77.0.1:80 10.66.0.1 whole", "10 [::]:80 10.66.0.1 aborted"},
	}
	for _, h := range hosts {
		for _, e := range ends {
			t.Run(h.name+"/"+e.name, func(t *testing.T) {
				nstest.Enter(t)
				nstest.AnyIP(t, "10.0.0.0/8", "2001:db8::/32")
				s := subscribe(t)
				p := pair{listener: nstest.Listen(t, h.listen, 5)}
				p.client = nstest.Dial(t, h.from, h.to)
				p.server = p.listener.Accept()
				e.end(t, p)
				got := heard(t, s, e.before)
				if len(got) != e.before {
					t.Fatalf("before the server closes: %q, want %d endings", got, e.before)
				}
				if e.before == 0 {
					p.server.Close()
					got = heard(t, s, 1)
				}
				want := h.whole
				if e.abort {
					want = h.aborted
				}
				if !slices.Equal(got, []string{want}) {
					t.Errorf("got %q, want %q", got, want)
				}
				p.listener.Close()
				if got := heard(t, s, 0); len(got) != 0 {
					t.Errorf("after the listener was closed: %q", got)
				}
			})
		}
	}
}

// destroyAll destroys the established sockets of port 80.
func destroyAll(t *testing.T) {
	t.Helper()
	c := open(t)
	for _, s := range find(t, c, Request{Family: unix.AF_UNSPEC, States: StatesOf(Established), Filter: port(t, 80)}) {
		if err := c.Destroy(s.Family, s.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKernelEndingsNeverAccepted(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "10.0.0.0/8")
	s := subscribe(t)
	l := nstest.Listen(t, "0.0.0.0:80", 5)
	nstest.Dial(t, "10.66.0.1:0", "10.77.0.1:80").Reset()
	nstest.Dial(t, "10.66.0.2:0", "10.77.0.1:80")
	if got := heard(t, s, 0); len(got) != 0 {
		t.Errorf("while they wait in the accept queue: %q", got)
	}
	l.Close()
	got := heard(t, s, 2)
	slices.Sort(got)
	want := []string{"2 0.0.0.0:80 10.66.0.1 aborted", "2 0.0.0.0:80 10.66.0.2 aborted"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestKernelNoEndings is what has no completed handshake and must not be told of (P5).
func TestKernelNoEndings(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T)
	}{
		{"sockets never connected", func(t *testing.T) {
			nstest.Listen(t, "0.0.0.0:80", 5).Close()
			nstest.Listen(t, "[::]:80", 5).Close()
		}},
		{"refused attempts from a service's port", func(t *testing.T) {
			nstest.DialAsync(t, "10.66.0.1:80", "10.77.0.1:81").Close()
			nstest.DialAsync(t, "[2001:db8:66::1]:80", "[2001:db8:77::1]:81").Close()
		}},
		{"half-open connections", func(t *testing.T) {
			l := nstest.Listen(t, "0.0.0.0:80", 5, nstest.DeferAccept)
			nstest.Dial(t, "10.66.0.1:0", "10.77.0.1:80").Reset()
			nstest.Dial(t, "10.66.0.1:0", "10.77.0.1:80")
			l.Close()
		}},
		{"forged SYNs", func(t *testing.T) {
			l := nstest.Listen(t, "0.0.0.0:80", 5)
			forgeSYNs(t, "")
			l.Close()
		}},
		{"forged SYNs with data", func(t *testing.T) {
			setSysctl(t, "tcp_fastopen", "519") // client, server, and no cookie needed
			l := nstest.Listen(t, "0.0.0.0:80", 5, nstest.FastOpen)
			forgeSYNs(t, "GET / HTTP/1.1")
			l.Accept().Close() // the kernel hands them out before the handshake
			l.Accept().Reset()
			l.Close()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nstest.Enter(t)
			nstest.AnyIP(t, "10.0.0.0/8", "2001:db8::/32")
			s := subscribe(t)
			tt.do(t)
			if got := heard(t, s, 0); len(got) != 0 {
				t.Errorf("got %q", got)
			}
			if lost, err := s.Lost(); lost != 0 || err != nil {
				t.Errorf("lost %d: %v", lost, err)
			}
		})
	}
}

func TestKernelSubscriptionLoses(t *testing.T) {
	nstest.Enter(t)
	g, err := openGroups(4 << 10) // doubled, it holds a few
	if err != nil {
		t.Fatal(err)
	}
	s := newSubscription(g)
	defer s.Close()
	if err := s.Listen(true); err != nil {
		t.Fatal(err)
	}
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	const n = 500
	for range n {
		c := nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
		l.Accept().Close()
		c.Close()
	}
	total := uint64(0)
	nstest.Await(t, "two endings of each connection, read or lost", func() bool {
		read(t, s, func(*Socket) { total++ })
		lost, err := s.Lost()
		if err != nil {
			t.Fatal(err)
		}
		return total+lost == 2*n && lost > n
	})
	if lost, _ := s.Lost(); lost == 0 || total == 0 {
		t.Errorf("read %d, lost %d", total, lost)
	}
}

func TestKernelSubscriptionIsDeafAndWakes(t *testing.T) {
	nstest.Enter(t)
	s := subscribe(t)
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	cut := func() { nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80").Reset(); l.Accept().Close() }
	n := 0
	each := func(k *Socket) {
		if k.LocalPort == 80 {
			n++
		}
	}
	await := func(want int) {
		t.Helper()
		for n < want {
			if err := s.Wait(time.Hour); err != nil {
				t.Fatal(err)
			}
			read(t, s, each)
		}
	}
	cut()
	await(1)
	if err := s.Listen(false); err != nil {
		t.Fatal(err)
	}
	cut()
	if err := s.Listen(true); err != nil {
		t.Fatal(err)
	}
	cut()
	await(2)
	cut()
	cut()
	for _, wait := range []func(time.Duration) error{s.Wait, s.Sleep, s.Sleep} {
		if err := s.Wake(); err != nil {
			t.Fatal(err)
		}
		if err := wait(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	await(4)
	if n != 4 {
		t.Errorf("%d endings, want 4: those while nobody listened do not count", n)
	}
}

func TestKernelSubscriptionDoesNotAllocate(t *testing.T) {
	nstest.Enter(t)
	s := subscribe(t)
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	for range 500 {
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80").Reset()
		l.Accept().Close()
	}
	n := 0
	each := func(*Socket) { n++ }
	if allocs := testing.AllocsPerRun(1, func() {
		if err := s.Wait(time.Second); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(200, each); err != nil {
			t.Error(err)
		}
		if _, err := s.Lost(); err != nil {
			t.Error(err)
		}
	}); allocs > 0 || n == 0 {
		t.Errorf("%v allocations for %d endings", allocs, n)
	}
}

// BenchmarkEnding is what reading costs this thread for each notification. Sockets that were never
// connected are the cheapest to make and as dear to hear of.
func BenchmarkEnding(b *testing.B) {
	nstest.Enter(b)
	s := subscribe(b)
	each := func(*Socket) {}
	var spent time.Duration
	const n = 2000
	b.ReportAllocs()
	for b.Loop() {
		for range n {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				b.Fatal(err)
			}
			unix.Close(fd)
		}
		if err := s.Sleep(20 * time.Millisecond); err != nil { // until the kernel has sent all
			b.Fatal(err)
		}
		began := threadCPU(b)
		read(b, s, each)
		spent += threadCPU(b) - began
	}
	b.ReportMetric(float64(spent)/float64(n*b.N), "cpu-ns/notification")
}

func threadCPU(tb testing.TB) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
