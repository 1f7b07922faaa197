package setdump

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// table is the table of these tests, in a namespace of each test's own.
const table = "t"

// zoo has one set of every kind.
const zoo = `table inet t {
	set empty { type ipv4_addr; }
	set plain4 { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
	set timed6 { type ipv6_addr; flags timeout; timeout 10m; elements = { 2001:db8::1 timeout 30s, 2001:db8::2 } }
	set counted { type ipv4_addr; flags dynamic; counter; elements = { 10.0.0.1 counter packets 5 bytes 300 } }
	set limited { type ipv4_addr; flags dynamic; limit rate over 200/second burst 5 packets
		elements = { 10.0.0.1 limit rate over 200/second burst 5 packets } }
	set metered { type ipv4_addr; flags dynamic,timeout; timeout 1m; counter limit rate over 200/second burst 5 packets
		elements = { 10.0.0.1 counter packets 7 bytes 9 limit rate over 200/second burst 5 packets } }
	set ranges { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
	set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 80 } }
	set rest { type ipv4_addr; flags timeout; elements = { * timeout 5m, 10.0.0.9 } }
	map verdicts { type inet_service : verdict; flags timeout; elements = { 80 timeout 30s : drop } }
}
`

// enter gives the test a namespace with a ruleset in it, and a Conn to it.
func enter(tb testing.TB, ruleset string) *Conn {
	tb.Helper()
	nstest.Enter(tb)
	nft(tb, ruleset, "-f", "-")
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

// nft runs the tool in the namespace of the calling thread and returns what it prints.
func nft(tb testing.TB, input string, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command("nft", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %.500s", err, exit.Stderr)
		}
		tb.Fatalf("nft %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// addresses writes a set of n addresses, which live for as long as timeout says.
func addresses(name string, first netip.Addr, n int, timeout time.Duration) string {
	var b strings.Builder
	kind := "ipv4_addr"
	if first.Is6() {
		kind = "ipv6_addr"
	}
	fmt.Fprintf(&b, "table inet %s { set %s { type %s; flags timeout; counter\n", table, name, kind)
	for a, i := first, 0; i < n; a, i = a.Next(), i+1 {
		if i == 0 {
			b.WriteString("elements = {")
		}
		fmt.Fprintf(&b, "%s counter packets %d bytes %d timeout %ds,\n", a, i, 60*i, int(timeout/time.Second)+i%7)
	}
	if n > 0 {
		b.WriteString("}")
	}
	b.WriteString("\n}\n}\n")
	return b.String()
}

// row is an element as both sides can tell it.
type row struct {
	key            netip.Addr
	timeout        time.Duration
	counted        bool
	packets, bytes uint64
}

// rows dumps a set of addresses.
func rows(tb testing.TB, c *Conn, set string) map[row]time.Duration {
	tb.Helper()
	got := make(map[row]time.Duration)
	n := 0
	err := c.Dump(Request{Table: table, Set: set}, func(e *Element) {
		key, ok := netip.AddrFromSlice(e.Key)
		if !ok {
			tb.Fatalf("key %x is no address", e.Key)
		}
		got[row{key, e.Timeout, e.HasCounter, e.Packets, e.Bytes}] = e.Expires
		n++
	})
	if err != nil {
		tb.Fatal(err)
	}
	if n != len(got) {
		tb.Fatalf("%d elements came, but only %d different ones", n, len(got))
	}
	return got
}

// listed is a set as nft -j list set describes it.
type listed struct {
	Nftables []struct {
		Set struct {
			Elem []json.RawMessage `json:"elem"`
		} `json:"set"`
	} `json:"nftables"`
}

// listedElement is an element that is more than its value.
type listedElement struct {
	Elem struct {
		Val     netip.Addr `json:"val"`
		Timeout int64      `json:"timeout"`
		Expires int64      `json:"expires"`
		Counter *struct {
			Packets uint64 `json:"packets"`
			Bytes   uint64 `json:"bytes"`
		} `json:"counter"`
	} `json:"elem"`
}

// nftRows reads a set of addresses with the nft tool.
func nftRows(tb testing.TB, set string) map[row]time.Duration {
	tb.Helper()
	var l listed
	if err := json.Unmarshal(nft(tb, "", "-j", "list", "set", "inet", table, set), &l); err != nil {
		tb.Fatalf("decode what nft says: %v", err)
	}
	got := make(map[row]time.Duration)
	for _, part := range l.Nftables {
		for _, raw := range part.Set.Elem {
			var e listedElement
			if json.Unmarshal(raw, &e.Elem.Val) != nil {
				if err := json.Unmarshal(raw, &e); err != nil {
					tb.Fatalf("decode element %s: %v", raw, err)
				}
			}
			r := row{key: e.Elem.Val, timeout: time.Duration(e.Elem.Timeout) * time.Second}
			if c := e.Elem.Counter; c != nil {
				r.counted, r.packets, r.bytes = true, c.Packets, c.Bytes
			}
			got[r] = time.Duration(e.Elem.Expires) * time.Second
		}
	}
	return got
}

// missing reports whether err says that a table or set does not exist.
func missing(err error) bool { return errors.Is(err, unix.ENOENT) }
