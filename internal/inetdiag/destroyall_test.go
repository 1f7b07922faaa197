package inetdiag

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	crowds "ebbgate/internal/crowd"
	"ebbgate/internal/nstest"
)

// TestDestroyAllRefusesBadRequests uses a Conn without a socket: nothing may be sent.
func TestDestroyAllRefusesBadRequests(t *testing.T) {
	for _, tt := range []struct {
		socks []Named
		want  string
	}{
		{make([]Named, MaxBatch+1), "at most 256"},
		{[]Named{{Family: unix.AF_INET}, {Family: unix.AF_UNIX}}, "family 1 "},
	} {
		if err := new(Conn).DestroyAll(tt.socks, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error about %q", err, tt.want)
		}
	}
}

// TestKernelDestroyAll destroys connections of all three kinds together, one of which is gone
// already and one of which goes by another's cookie.
func TestKernelDestroyAll(t *testing.T) {
	nstest.Enter(t)
	l, six := nstest.Listen(t, "[::]:80", 16), nstest.Listen(t, "127.0.0.1:81", 16)
	var servers []*nstest.Sock
	for range 3 {
		nstest.Dial(t, "[::1]:0", "[::1]:80")
		servers = append(servers, l.Accept())
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
		servers = append(servers, l.Accept())
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:81")
		servers = append(servers, six.Accept())
	}
	c := open(t)
	req := Request{Family: unix.AF_UNSPEC, States: StatesOf(Established), Filter: port(t, 80, 81)}
	var socks []Named
	for _, s := range find(t, c, req) {
		socks = append(socks, Named{s.Family, s.ID})
	}
	if len(socks) != len(servers) {
		t.Fatalf("%d sockets, want %d", len(socks), len(servers))
	}
	if err := c.Destroy(socks[2].Family, socks[2].ID); err != nil {
		t.Fatal(err)
	}
	foreign := socks[4]
	socks[4].ID[idCookie] ^= 1
	wrong := map[int]error{}
	if err := c.DestroyAll(socks, func(i int, err error) { wrong[i] = err }); err != nil {
		t.Fatal(err)
	}
	if len(wrong) != 2 || !errors.Is(wrong[2], ErrGone) || wrong[4] == nil {
		t.Errorf("not destroyed: %v; want 2, which is gone, and 4, which has another cookie", wrong)
	}
	if left := find(t, c, req); len(left) != 1 || left[0].ID != foreign.ID {
		t.Errorf("%d sockets left, want the one of another cookie", len(left))
	}
	cut := 0
	for _, s := range servers {
		if errors.Is(s.TryWrite([]byte("x")), unix.ECONNABORTED) {
			cut++
		}
	}
	if cut != len(servers)-1 {
		t.Errorf("%d of %d servers were told ECONNABORTED", cut, len(servers)-1)
	}
	if err := c.DestroyAll(nil, nil); err != nil {
		t.Errorf("of none: %v", err)
	}
}

// BenchmarkDestroy compares one request at a time with batches, at 20,000 connections.
func BenchmarkDestroy(b *testing.B) {
	const connections = 20_000
	for _, bench := range []struct {
		name string
		size int
	}{{"one by one", 0}, {"batches of 64", 64}, {"batches of 256", 256}} {
		b.Run(bench.name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				nstest.Enter(b)
				nstest.AnyIP(b, "10.0.0.0/8", "2001:db8::/32")
				crowd, err := crowds.Build(context.Background(), crowds.Config{Sockets: 2 * connections, Sources: 1000, Listeners: 5})
				if err != nil {
					b.Fatal(err)
				}
				c := open(b)
				var socks []Named
				for _, s := range find(b, c, Request{Family: unix.AF_UNSPEC, States: StatesOf(Established)}) {
					if s.LocalPort >= crowds.FirstPort && s.LocalPort < crowds.FirstPort+5 {
						socks = append(socks, Named{s.Family, s.ID})
					}
				}
				b.StartTimer()
				n += len(socks)
				destroyIn(b, c, socks, bench.size)
				b.StopTimer()
				if err := crowd.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/socket")
		})
	}
}

func destroyIn(b *testing.B, c *Conn, socks []Named, size int) {
	for size == 0 && len(socks) > 0 {
		if err := c.Destroy(socks[0].Family, socks[0].ID); err != nil {
			b.Fatal(err)
		}
		socks = socks[1:]
	}
	for len(socks) > 0 {
		some := socks[:min(size, len(socks))]
		if err := c.DestroyAll(some, func(i int, err error) { b.Fatal(err) }); err != nil {
			b.Fatal(err)
		}
		socks = socks[len(some):]
	}
}
