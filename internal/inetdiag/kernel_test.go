package inetdiag

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
	"ebbgate/policy"

	"golang.org/x/sys/unix"
)

func open(tb testing.TB) *Conn {
	tb.Helper()
	c, err := Open()
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

// find returns copies of the sockets of a dump.
func find(tb testing.TB, c *Conn, req Request) []Socket {
	tb.Helper()
	var all []Socket
	if err := c.Dump(req, func(s *Socket) { all = append(all, *s) }); err != nil {
		tb.Fatal(err)
	}
	return all
}

// single returns the only socket of a dump, waiting until there is exactly one.
func single(tb testing.TB, c *Conn, req Request) Socket {
	tb.Helper()
	var all []Socket
	nstest.Await(tb, "exactly one socket in the dump", func() bool {
		all = find(tb, c, req)
		return len(all) == 1
	})
	return all[0]
}

func port(tb testing.TB, ports ...uint16) []byte {
	tb.Helper()
	var ranges []policy.PortRange
	for _, p := range ports {
		ranges = append(ranges, policy.PortRange{First: p, Last: p})
	}
	b, err := PortFilter(ranges)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestKernelListeners(t *testing.T) {
	nstest.Enter(t)
	nstest.Listen(t, "127.0.0.1:80", 5)
	nstest.Listen(t, "[::]:81", 6)
	nstest.Listen(t, "[::]:82", 7, nstest.V6Only)
	nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	c := open(t)
	type row struct {
		local          string
		queue, backlog uint32
		v6only         bool
	}
	want := map[row]bool{{"127.0.0.1:80", 1, 5, false}: true, {"[::]:81", 0, 6, false}: true, {"[::]:82", 0, 7, true}: true}
	for _, families := range [][]uint8{{unix.AF_UNSPEC}, {unix.AF_INET, unix.AF_INET6}} {
		got := map[row]bool{}
		for _, f := range families {
			for _, s := range find(t, c, Request{Family: f, States: StatesOf(Listen)}) {
				got[row{s.Local().String(), s.RQueue, s.WQueue, s.V6Only}] = true
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("families %v: got %v, want %v", families, got, want)
		}
	}
}

func TestKernelPortFilter(t *testing.T) {
	nstest.Enter(t)
	c := open(t)
	listening := map[uint16]bool{}
	for p := uint16(20000); p < 20400; p += 4 {
		nstest.Listen(t, netip.AddrPortFrom(netip.IPv6Unspecified(), p).String(), 1)
		listening[p] = true
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 7, 100, MaxPortRanges} {
		ranges := randomRanges(rnd, n)
		ranges[0] = policy.PortRange{First: 20100, Last: 20110}
		filter, err := PortFilter(ranges)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for p := range listening {
			for _, r := range ranges {
				if r.Contains(p) {
					want++
					break
				}
			}
		}
		for _, family := range []uint8{unix.AF_UNSPEC, unix.AF_INET6} {
			got := find(t, c, Request{Family: family, States: StatesOf(Listen), Filter: filter})
			if len(got) != want || want == 0 {
				t.Errorf("%d ranges, family %d: %d listeners selected, want %d", n, family, len(got), want)
			}
		}
	}
}

func TestKernelInfo(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	client := nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	server := l.Accept()
	client.Write(make([]byte, 1000))
	server.Write(make([]byte, 300))
	c := open(t)
	req := Request{Family: unix.AF_INET, States: StatesOf(Established), Info: true, Filter: port(t, 80)}
	nstest.Await(t, "bytes received and acknowledged", func() bool {
		s := single(t, c, req)
		return s.HasInfo && s.Info.BytesReceived == 1000 && s.Info.BytesAcked == 300
	})
	s := single(t, c, req)
	if s.RQueue != 1000 || s.Inode == 0 || s.RemotePort != client.LocalPort() {
		t.Errorf("got %+v", s)
	}
}

func TestKernelDestroy(t *testing.T) {
	tests := []struct{ name, listen, from, to string }{
		{"IPv4", "127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:80"},
		{"IPv6", "[::1]:80", "[::1]:0", "[::1]:80"},
		{"mapped", "[::]:80", "127.0.0.1:0", "127.0.0.1:80"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nstest.Enter(t)
			l := nstest.Listen(t, tt.listen, 5)
			client := nstest.Dial(t, tt.from, tt.to)
			server := l.Accept()
			c := open(t)
			s := single(t, c, Request{Family: unix.AF_UNSPEC, States: StatesOf(Established), Filter: port(t, 80)})
			other := s.ID
			other[idCookie] ^= 1
			if err := c.Destroy(s.Family, other); err == nil {
				t.Fatal("a socket was destroyed under another cookie")
			}
			if err := c.Destroy(s.Family, s.ID); err != nil {
				t.Fatal(err)
			}
			if err := server.Read(); !errors.Is(err, unix.ECONNABORTED) {
				t.Errorf("server reads %v, want ECONNABORTED", err)
			}
			if err := client.Read(); !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("client reads %v, want ECONNRESET", err)
			}
			if err := c.Destroy(s.Family, s.ID); !errors.Is(err, ErrGone) {
				t.Errorf("second time: %v, want ErrGone", err)
			}
		})
	}
}

func TestKernelDestroyHalfOpen(t *testing.T) {
	nstest.Enter(t)
	nstest.Listen(t, "127.0.0.1:80", 5, nstest.DeferAccept)
	nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	c := open(t)
	req := Request{Family: unix.AF_INET, States: StatesOf(SynRecv), Filter: port(t, 80)}
	s := single(t, c, req)
	if err := c.Destroy(s.Family, s.ID); err != nil {
		t.Fatal(err)
	}
	if left := find(t, c, req); len(left) != 0 {
		t.Errorf("%d half-open connections left", len(left))
	}
}

func TestKernelStopAndGoOn(t *testing.T) {
	nstest.Enter(t)
	const n = 1000
	crowd(t, n)
	c := open(t)
	req := Request{Family: unix.AF_INET, States: StatesOf(Established), Filter: port(t, 80)}
	for range 3 {
		reads, seen := 0, 0
		stopped := req
		stopped.Stop = func() bool { reads++; return reads > 1 }
		if err := c.Dump(stopped, func(*Socket) { seen++ }); !errors.Is(err, nlwire.ErrStopped) || seen == 0 || seen == n {
			t.Fatalf("stopped dump: %v after %d sockets", err, seen)
		}
		if got := len(find(t, c, req)); got != n {
			t.Fatalf("dump after a stopped one: %d sockets, want %d", got, n)
		}
	}
}

func TestKernelRefusesReentry(t *testing.T) {
	nstest.Enter(t)
	const n = 3
	for i := range n {
		nstest.Listen(t, fmt.Sprintf("127.0.0.1:%d", 80+i), 5)
	}
	c := open(t)
	req := Request{Family: unix.AF_INET, States: StatesOf(Listen)}
	seen := map[uint16]bool{}
	if err := c.Dump(req, func(s *Socket) {
		if err := c.Dump(Request{Family: unix.AF_UNSPEC, States: StatesOf(Listen)}, func(*Socket) {}); err == nil {
			t.Error("a dump within a dump was accepted")
		}
		if err := c.Destroy(s.Family, s.ID); err == nil {
			t.Error("a destroy within a dump was accepted")
		}
		seen[s.LocalPort] = true
	}); err != nil || len(seen) != n {
		t.Errorf("the dump around them: %d listeners, %v; want %d", len(seen), err, n)
	}
	if left := find(t, c, req); len(left) != n {
		t.Errorf("%d listeners left, want %d", len(left), n)
	}
}

func TestKernelDumpDoesNotAllocate(t *testing.T) {
	nstest.Enter(t)
	crowd(t, 1000)
	c := open(t)
	req := Request{Family: unix.AF_UNSPEC, States: StatesOf(Established), Info: true, Filter: port(t, 80)}
	n := 0
	each := func(*Socket) { n++ }
	if allocs := testing.AllocsPerRun(5, func() {
		if err := c.Dump(req, each); err != nil {
			t.Error(err)
		}
	}); allocs > 5 {
		t.Errorf("%v allocations for a dump of 1000 sockets", allocs)
	}
	if n != 6*1000 {
		t.Errorf("%d sockets seen in 6 dumps", n)
	}
}

// crowd makes n accepted connections to port 80.
func crowd(tb testing.TB, n int) {
	tb.Helper()
	l := nstest.Listen(tb, "127.0.0.1:80", 128)
	for range n {
		nstest.Dial(tb, "127.0.0.1:0", "127.0.0.1:80")
		l.Accept()
	}
}

func BenchmarkDump(b *testing.B) {
	for _, bench := range []struct {
		name string
		info bool
	}{{"plain", false}, {"info", true}} {
		b.Run(bench.name, func(b *testing.B) {
			nstest.Enter(b)
			crowd(b, 5000)
			c := open(b)
			req := Request{Family: unix.AF_UNSPEC, States: StatesOf(Established), Info: bench.info, Filter: port(b, 80)}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Dump(req, func(*Socket) { n++ }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/socket")
		})
	}
}

// TestKernelCgroup compares the control group of a listener with the inode number of our own, where
// the kernel tells it (5.9 and newer) and version 2 of control groups is mounted.
func TestKernelCgroup(t *testing.T) {
	nstest.Enter(t)
	mount, own := nstest.Cgroup(t)
	dir := mount + own
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		t.Fatal(err)
	}
	nstest.Listen(t, "127.0.0.1:80", 5)
	s := single(t, open(t), Request{Family: unix.AF_INET, States: StatesOf(Listen)})
	if s.Cgroup != st.Ino {
		t.Errorf("control group %d, want %d of %s", s.Cgroup, st.Ino, dir)
	}
}
