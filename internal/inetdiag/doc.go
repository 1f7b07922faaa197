// Package inetdiag asks the kernel for its TCP sockets, hears of those that end, and destroys
// single ones, over NETLINK_SOCK_DIAG (sock_diag(7), linux/inet_diag.h).
//
// It is the hot path of watching: a dump streams through one reused buffer and one reused Socket,
// so that a million sockets cost no allocation. It opens netlink sockets, with an eventfd(2) for a
// Subscription, and nothing else: no file, no clock, no goroutine. What the answers mean is decided
// by its callers, the observer (which counts) and the enforcer (which closes); neither imports the
// other.
package inetdiag
