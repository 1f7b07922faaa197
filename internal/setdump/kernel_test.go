package setdump

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
)

func TestKernelEqualsNft(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	many := addresses("s0", v4, 0, 0) + addresses("s1", v4, 1, time.Minute) + addresses("s5000", v4, 5000, time.Hour) +
		addresses("six1", v6, 1, time.Minute) + addresses("six5000", v6, 5000, time.Hour)
	c := enter(t, zoo+many)
	sizes := map[string]int{"empty": 0, "plain4": 2, "timed6": 2, "counted": 1, "limited": 1, "metered": 1,
		"s0": 0, "s1": 1, "s5000": 5000, "six1": 1, "six5000": 5000}
	for set, size := range sizes {
		got, want := rows(t, c, set), nftRows(t, set)
		if len(got) != size || len(want) != size {
			t.Errorf("%s: %d elements, nft lists %d, want %d", set, len(got), len(want), size)
		}
		for r, expires := range got {
			later, ok := want[r]
			if !ok {
				t.Errorf("%s: %+v is not what nft lists", set, r)
			}
			if expires < later || r.timeout > 0 && expires > r.timeout {
				t.Errorf("%s: %+v expires in %v; nft said %v later on", set, r, expires, later)
			}
		}
	}
}

func TestKernelOtherSets(t *testing.T) {
	c := enter(t, zoo)
	var got []Element
	dump := func(set string) []Element {
		got = nil
		if err := c.Dump(Request{Table: table, Set: set}, func(e *Element) {
			kept := *e
			kept.Key = append([]byte(nil), e.Key...)
			got = append(got, kept)
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	begins, ends := 0, 0
	for _, e := range dump("ranges") {
		if e.IntervalEnd {
			ends++
		} else if begins++; string(e.Key) != "\x0a\x00\x00\x00" {
			t.Errorf("an interval begins at %x", e.Key)
		}
	}
	if begins != 1 || ends == 0 {
		t.Errorf("%d intervals begin, %d end", begins, ends)
	}
	if all := dump("pairs"); len(all) != 1 || string(all[0].Key) != "\x0a\x00\x00\x01\x00\x50\x00\x00" {
		t.Errorf("pairs: %+v", all)
	}
	if all := dump("verdicts"); len(all) != 1 || string(all[0].Key) != "\x00\x50" || all[0].Timeout != 30*time.Second {
		t.Errorf("verdicts: %+v", all)
	}
	catchAll := 0
	for _, e := range dump("rest") {
		if len(e.Key) == 0 && e.Timeout == 5*time.Minute {
			catchAll++
		}
	}
	if len(got) != 2 || catchAll != 1 {
		t.Errorf("rest: %+v", got)
	}
}

func TestKernelMissing(t *testing.T) {
	c := enter(t, zoo)
	never := func(e *Element) { t.Errorf("element %+v", e) }
	for _, req := range []Request{{Table: table, Set: "nowhere"}, {Table: "nowhere", Set: "plain4"}} {
		if err := c.Dump(req, never); !missing(err) || !strings.Contains(err.Error(), req.Set) {
			t.Errorf("dump %+v: %v, want ENOENT that names the set", req, err)
		}
		if n, ok, err := c.Count(req.Table, req.Set); n != 0 || ok || !missing(err) {
			t.Errorf("count %+v: %d, %v, %v, want ENOENT", req, n, ok, err)
		}
	}
	if got := rows(t, c, "plain4"); len(got) != 2 {
		t.Errorf("afterwards: %d elements, want 2", len(got))
	}
}

func TestKernelChangesDuringDump(t *testing.T) {
	tests := []struct {
		name   string
		change []string
		want   error
	}{
		{"set removed", []string{"delete", "set", "inet", table, "big"}, unix.ENOENT},
		{"table removed", []string{"delete", "table", "inet", table}, unix.ENOENT},
		{"another table added", []string{"add", "table", "inet", "other"}, nlwire.ErrInterrupted},
		{"an element added", []string{"add", "element", "inet", table, "big", "{ 192.0.2.1 }"}, nlwire.ErrInterrupted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := enter(t, addresses("big", netip.MustParseAddr("10.0.0.1"), 5000, time.Hour))
			n := 0
			err := c.Dump(Request{Table: table, Set: "big"}, func(*Element) {
				if n++; n == 1 {
					nft(t, "", tt.change...)
				}
			})
			if !errors.Is(err, tt.want) || n == 0 {
				t.Errorf("%d elements, %v; want %v", n, err, tt.want)
			}
			nft(t, zoo, "-f", "-")
			if got := rows(t, c, "plain4"); len(got) != 2 {
				t.Errorf("afterwards: %d elements, want 2", len(got))
			}
		})
	}
}

func TestKernelStop(t *testing.T) {
	c := enter(t, zoo+addresses("big", netip.MustParseAddr("10.0.0.1"), 5000, time.Hour))
	n, reads := 0, 0
	err := c.Dump(Request{Table: table, Set: "big", Stop: func() bool { reads++; return reads > 2 }}, func(*Element) { n++ })
	if !errors.Is(err, nlwire.ErrStopped) || n == 0 || n == 5000 {
		t.Errorf("%d elements, %v; want some and nlwire.ErrStopped", n, err)
	}
	if got := rows(t, c, "plain4"); len(got) != 2 {
		t.Errorf("afterwards: %d elements, want 2", len(got))
	}
}

func TestKernelCount(t *testing.T) {
	c := enter(t, zoo+addresses("s5000", netip.MustParseAddr("10.0.0.1"), 5000, time.Hour))
	want := map[string]int{"empty": 0, "plain4": 2, "s5000": 5000, "metered": 1, "verdicts": 1}
	for set, size := range want {
		n, ok, err := c.Count(table, set)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			t.Skip("this kernel does not tell how many elements a set has (Linux 6.16 does)")
		}
		if n != size {
			t.Errorf("%s: %d elements, want %d", set, n, size)
		}
	}
}

// TestKernelFilledByRules reads what packets left: the way of the SYN meter.
func TestKernelFilledByRules(t *testing.T) {
	c := enter(t, `table inet t {
		set syns { type ipv4_addr; size 1000; flags dynamic,timeout; timeout 1m; }
		chain in {
			type filter hook input priority 0;
			tcp flags syn / syn,ack add @syns { ip saddr counter limit rate over 1000/second }
		}
	}`)
	nstest.AnyIP(t, "10.66.0.0/16")
	nstest.Listen(t, "127.0.0.1:80", 16)
	for range 3 {
		nstest.Dial(t, "10.66.0.1:0", "127.0.0.1:80")
	}
	nstest.Dial(t, "10.66.0.2:0", "127.0.0.1:80")
	seen := map[string]uint64{}
	if err := c.Dump(Request{Table: table, Set: "syns"}, func(e *Element) {
		if !e.HasCounter || e.Bytes < 40*e.Packets || e.Expires <= 0 || e.Expires > time.Minute {
			t.Errorf("element %+v", e)
		}
		seen[string(e.Key)] = e.Packets
	}); err != nil {
		t.Fatal(err)
	}
	// The packet that makes an element is counted, too, or not: kernels differ.
	one, three := seen["\x0a\x42\x00\x02"], seen["\x0a\x42\x00\x01"]
	if len(seen) != 2 || three-one != 2 {
		t.Errorf("counted SYNs %v, want two more from 10.66.0.1 than from 10.66.0.2", seen)
	}
}

func TestKernelAllocatesNothingForAnElement(t *testing.T) {
	v4 := netip.MustParseAddr("10.0.0.1")
	c := enter(t, addresses("few", v4, 1, time.Hour)+addresses("many", v4, 5000, time.Hour))
	allocs := func(set string) float64 {
		return testing.AllocsPerRun(10, func() {
			if err := c.Dump(Request{Table: table, Set: set}, func(*Element) {}); err != nil {
				t.Error(err)
			}
		})
	}
	if few, many := allocs("few"), allocs("many"); few != many {
		t.Errorf("%v allocations for 1 element, %v for 5,000", few, many)
	}
}

func TestKernelNotPermitted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("takes root's privilege away, which takes root")
	}
	c := enter(t, zoo)
	runtime.LockOSThread() // never unlocked: the thread ends without its privilege
	var hdr = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.Dump(Request{Table: table, Set: "plain4"}, func(*Element) {}); !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
}
