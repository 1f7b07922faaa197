// Package demo plays one connection flood in the laboratory, with the real daemon in the middle,
// and tells it as a timeline: what legitimate clients get, what the attackers hold, and what the
// daemon does about it.
//
// Everything happens in the private network namespaces of internal/lab. The daemon is this very
// program, started a second time inside the victim's namespace. What the summary states is
// measured from outside the daemon: requests by the clients, the table by its own netlink socket.
package demo
