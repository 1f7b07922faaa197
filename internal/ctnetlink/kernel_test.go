package ctnetlink

import (
	"errors"
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
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

// find returns copies of the entries of a dump.
func find(tb testing.TB, c *Conn, req Request) []Entry {
	tb.Helper()
	var all []Entry
	if err := c.Dump(req, func(e *Entry) { all = append(all, *e) }); err != nil {
		tb.Fatal(err)
	}
	return all
}

// track makes the namespace track connections, and translates port 8080 to 80.
func track(tb testing.TB) {
	tb.Helper()
	out, err := exec.Command("nft", `table inet t { chain c { type nat hook output priority -100; tcp dport 8080 redirect to :80; }; }`).CombinedOutput()
	if err != nil {
		tb.Fatalf("nft: %v: %s", err, out)
	}
}

// TestKernelReadingDoesNotTrack is promise P1: neither opening nor dumping makes conntrack look at
// packets. A rule does, which shows that the test would see it.
func TestKernelReadingDoesNotTrack(t *testing.T) {
	nstest.Enter(t)
	c := open(t)
	l := nstest.Listen(t, "127.0.0.1:80", 5)
	for range 2 {
		if all := find(t, c, Request{}); len(all) != 0 {
			t.Fatalf("%d entries in a namespace that tracks nothing", len(all))
		}
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
		l.Accept()
	}
	if s, err := c.Stats(); err != nil || s.Entries != 0 || s.Max == 0 {
		t.Errorf("%+v, %v; want no entry", s, err)
	}
	track(t)
	nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	if s, err := c.Stats(); err != nil || s.Entries == 0 {
		t.Errorf("with a rule: %+v, %v; want an entry", s, err)
	}
}

func TestKernelConnections(t *testing.T) {
	nstest.Enter(t)
	track(t)
	nstest.Listen(t, "[::]:80", 5)
	for _, tt := range []struct {
		from, to, translated string
		family               uint8
	}{
		{"127.0.0.5:40001", "127.0.0.1:80", "127.0.0.1:80", unix.AF_INET},
		{"127.0.0.6:40002", "127.0.0.9:8080", "127.0.0.1:80", unix.AF_INET},
		{"[::1]:40003", "[::1]:80", "[::1]:80", unix.AF_INET6},
		{"[::1]:40004", "[::1]:8080", "[::1]:80", unix.AF_INET6},
	} {
		nstest.Dial(t, tt.from, tt.to)
		from, to := netip.MustParseAddrPort(tt.from), netip.MustParseAddrPort(tt.to)
		all := find(t, open(t), Request{Family: tt.family, Protocol: unix.IPPROTO_TCP, Port: to.Port(), Status: Assured, Mask: Assured})
		if len(all) != 1 {
			t.Fatalf("%s to %s: %d entries", tt.from, tt.to, len(all))
		}
		e := all[0]
		if e.Original.From() != from || e.Original.To() != to || e.Reply.From() != netip.MustParseAddrPort(tt.translated) || e.Reply.To() != from {
			t.Errorf("got %v to %v, answered by %v to %v", e.Original.From(), e.Original.To(), e.Reply.From(), e.Reply.To())
		}
		if e.State != Established || !e.Status.Has(SeenReply|Assured) || e.Status.Has(DestinationNAT) != (tt.to != tt.translated) || e.Timeout == 0 {
			t.Errorf("got %+v", e)
		}
	}
}

// TestKernelFilters compares every filter with the same one taken here.
func TestKernelFilters(t *testing.T) {
	nstest.Enter(t)
	nstest.Track(t,
		nstest.Flow{From: ap("10.0.0.1:1"), To: ap("10.0.0.9:80"), Status: uint32(SeenReply | Assured), State: uint8(Established)},
		nstest.Flow{From: ap("10.0.0.1:2"), To: ap("10.0.0.9:80"), Status: uint32(SeenReply), State: uint8(SynRecv)},
		nstest.Flow{From: ap("10.0.0.1:3"), To: ap("10.0.0.9:443"), State: uint8(SynSent), Zone: 3},
		nstest.Flow{From: ap("[fd00::1]:1"), To: ap("[fd00::9]:80"), Status: uint32(SeenReply | Assured), State: uint8(CloseWait)},
	)
	c, plain := open(t), open(t)
	plain.plain = true
	for _, family := range []uint8{unix.AF_UNSPEC, unix.AF_INET, unix.AF_INET6} {
		for _, req := range []Request{{}, {Protocol: unix.IPPROTO_TCP}, {Protocol: unix.IPPROTO_UDP}, {Protocol: unix.IPPROTO_TCP, Port: 80},
			{Mask: Assured}, {Mask: Assured, Status: Assured}, {Protocol: unix.IPPROTO_TCP, Port: 443, Mask: SeenReply}} {
			req.Family = family
			got, want := find(t, c, req), find(t, plain, req)
			if len(got) != len(want) {
				t.Errorf("%+v: %d entries, %d without a filter in the kernel", req, len(got), len(want))
			}
		}
	}
	if c.plain {
		t.Error("this kernel refused a filter")
	}
	if zoned := find(t, c, Request{Protocol: unix.IPPROTO_TCP, Port: 443}); len(zoned) != 1 || zoned[0].Zone != 3 || zoned[0].State != SynSent {
		t.Errorf("got %+v", zoned)
	}
}

func TestKernelStopAndGoOn(t *testing.T) {
	nstest.Enter(t)
	busy(t, 500)
	c := open(t)
	for range 3 {
		reads, seen := 0, 0
		err := c.Dump(Request{Stop: func() bool { reads++; return reads > 1 }}, func(*Entry) { seen++ })
		if !errors.Is(err, nlwire.ErrStopped) || seen == 0 || seen >= 1000 {
			t.Fatalf("stopped dump: %v after %d entries", err, seen)
		}
		if got := len(find(t, c, Request{})); got != 1000 {
			t.Fatalf("dump after a stopped one: %d entries, want 1000", got)
		}
	}
	if s, err := c.Stats(); err != nil || s.Entries != 1000 {
		t.Errorf("%+v, %v; want 1000 entries", s, err)
	}
}

func TestKernelDumpDoesNotAllocate(t *testing.T) {
	nstest.Enter(t)
	busy(t, 1000)
	c := open(t)
	n := 0
	if allocs := testing.AllocsPerRun(5, func() {
		if err := c.Dump(Request{}, func(*Entry) { n++ }); err != nil {
			t.Error(err)
		}
	}); allocs > 10 {
		t.Errorf("%v allocations for a dump of 2000 entries", allocs)
	}
	if n != 6*2000 {
		t.Errorf("%d entries seen in 6 dumps", n)
	}
}

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
