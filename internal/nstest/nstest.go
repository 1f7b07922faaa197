// Package nstest gives kernel tests a network namespace of their own and TCP sockets in it, made
// with plain system calls so that they live in the namespace of the test's thread.
//
// It is imported by tests only. It never touches the namespace the tests were started in.
package nstest

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Enter moves the test into a new network namespace with lo up. The goroutine stays locked to its
// thread, which dies with it, so nothing has to be restored. A test that is not permitted to do
// this is skipped, or fails where the environment has CI set.
func Enter(tb testing.TB) {
	tb.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
			tb.Skip("not permitted to make a network namespace: run as root, or under unshare -rn")
		}
		tb.Fatalf("make a network namespace: %v", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		tb.Fatalf("find lo: %v", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		tb.Fatalf("set lo up: %v", err)
	}
}

// AnyIP makes every address of the prefixes local without assigning any: connections can be bound
// to all of them, and none is in the host's address list.
func AnyIP(tb testing.TB, prefixes ...string) {
	tb.Helper()
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		tb.Fatalf("find lo: %v", err)
	}
	for _, p := range prefixes {
		dst, err := netlink.ParseIPNet(p)
		if err != nil {
			tb.Fatalf("parse %q: %v", p, err)
		}
		route := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL,
			Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}
		if err := netlink.RouteAdd(route); err != nil {
			tb.Fatalf("add local route %s: %v", p, err)
		}
	}
}

// Assign adds an address to lo and waits until packets to it are taken in: the kernel makes an
// IPv6 address local from a work queue, some time after it is assigned.
func Assign(tb testing.TB, prefix string) {
	tb.Helper()
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		tb.Fatalf("find lo: %v", err)
	}
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		tb.Fatalf("parse %q: %v", prefix, err)
	}
	addr.Flags |= unix.IFA_F_NODAD
	if err := netlink.AddrAdd(lo, addr); err != nil {
		tb.Fatalf("add address %s: %v", prefix, err)
	}
	Await(tb, prefix+" to be local", func() bool {
		routes, err := netlink.RouteGet(addr.IP)
		return err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL
	})
}
