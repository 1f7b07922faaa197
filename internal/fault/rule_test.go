package fault

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestWhatARuleIsAbout: the kind of call, and the part or the path.
func TestWhatARuleIsAbout(t *testing.T) {
	for _, tt := range []struct {
		rule Rule
		call call
		want bool
	}{
		{Rule{Call: Send, Part: Diag}, call{kind: Send, part: Diag}, true},
		{Rule{Call: Send, Part: Diag}, call{kind: Send, part: Route}, false},
		{Rule{Call: Send, Part: Diag}, call{kind: Receive, part: Diag}, false},
		{Rule{Call: Commit}, call{kind: Commit, part: Tables}, true},
		{Rule{Call: Send, Part: Tables}, call{kind: Commit, part: Tables}, false},
		{Rule{Call: Open, Path: "/proc"}, call{kind: Open, path: "/proc/self/stat"}, true},
		{Rule{Call: Open, Path: "/proc"}, call{kind: Open, path: "/etc/passwd"}, false},
		{Rule{Call: Read}, call{kind: Read}, false}, // a file of no name is no file
		{Rule{}, call{}, false},
		{Rule{Call: Join, Part: Destroyed}, call{kind: Join, part: Destroyed}, true},
	} {
		if got := tt.rule.about(&tt.call); got != tt.want {
			t.Errorf("%+v about %+v: %t", tt.rule, tt.call, got)
		}
	}
}

// TestWhoIsSpokenTo: the protocol says it, or what was sent last.
func TestWhoIsSpokenTo(t *testing.T) {
	for _, tt := range []struct {
		protocol int
		spoken   Part
		want     Part
	}{
		{unix.NETLINK_SOCK_DIAG, 0, Diag}, {unix.NETLINK_ROUTE, 0, Route}, {unix.NETLINK_NETFILTER, 0, Tables},
		{unix.NETLINK_NETFILTER, Tables, Tables}, {unix.NETLINK_NETFILTER, Conntrack, Conntrack}, {unix.NETLINK_GENERIC, 0, 0},
	} {
		if got := partOf(tt.protocol, tt.spoken); got != tt.want {
			t.Errorf("protocol %d, spoken to %d: %d, want %d", tt.protocol, tt.spoken, got, tt.want)
		}
	}
}
