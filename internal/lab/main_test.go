package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// helperVariable makes the test binary act as one of the helper processes below.
const helperVariable = "EBBGATE_LAB_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helperVariable) {
	case "":
		os.Exit(m.Run())
	case "block":
		blockForever()
	case "netns":
		printNamespace()
	case "owner":
		ownLab()
	case "new":
		_, err := New()
		fmt.Println(err)
	}
}

func blockForever() {
	fmt.Println("blocked")
	for {
		_ = unix.Pause()
	}
}

// printNamespace says what a process can see of its namespace.
func printNamespace() {
	for _, path := range []string{"/proc/self/net/dev", "/proc/sys/net/ipv4/tcp_fin_timeout"} {
		b, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Stdout.Write(b)
	}
}

// ownLab builds a laboratory, starts a process inside it, ties a link of its own namespace to it,
// says so, and waits to be killed.
func ownLab() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	l, err := New()
	fail(err)
	fail(witness(l.Victim))
	child := helper("block")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	fail(err)
	fail(l.Victim.Start(child))
	_, err = out.Read(make([]byte, 1)) // it runs, past the moment when it sets its death signal
	fail(err)
	fmt.Println(child.Process.Pid)
	for {
		_ = unix.Pause()
	}
}

// witness adds a veth pair to the calling thread's namespace whose other end lies in n. When the
// kernel removes n, the pair goes: a proof seen from outside.
func witness(n *Namespace) error {
	return netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: "witness"}, PeerName: "inner", PeerNamespace: netlink.NsFd(n.fd),
	})
}

// newLab builds a laboratory for one test and sees that it can be closed.
func newLab(t testing.TB) *Lab {
	t.Helper()
	l, err := New()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("needs root: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// await polls a condition until it holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// must fails the test on an error, and returns the value otherwise.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// openFiles returns what the process has open.
func openFiles(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(target, "/proc/") {
			out = append(out, target)
		}
	}
	return out
}

// checkLeaks runs f and awaits that as many descriptors and goroutines are left as before.
func checkLeaks(t *testing.T, f func()) {
	t.Helper()
	f() // once for what the runtime keeps for good: the network poller, the thread template
	files, routines := len(openFiles(t)), runtime.NumGoroutine()
	f()
	deadline := time.Now().Add(10 * time.Second)
	for len(openFiles(t)) > files || runtime.NumGoroutine() > routines {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("left behind: %d files, were %d: %v; %d goroutines, were %d:\n%s", len(openFiles(t)), files,
				openFiles(t), runtime.NumGoroutine(), routines, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func v4(port uint16) netip.AddrPort { return netip.AddrPortFrom(VictimV4(), port) }
func v6(port uint16) netip.AddrPort { return netip.AddrPortFrom(VictimV6(), port) }

// silent is a target that neither accepts nor refuses: the victim does not forward.
func silent() netip.AddrPort { return netip.AddrPortFrom(SpoofRange().IPv4(1)[0], 80) }

func server80(capacity int) ServerConfig {
	return ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: capacity, Backlog: defaultBacklog}
}
