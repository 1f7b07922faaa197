// Package demo plays one attack of a kind in the laboratory, with the real daemon in the middle, and
// tells it as a timeline: what legitimate clients get, what the attackers do, and what the daemon
// makes of it.
//
// All kinds share one play. What is special about a kind is a value: its attackers, its policy, what
// the timeline shows of it, and what the summary says.
//
// Everything happens in the private network namespaces of internal/lab. The daemon is this very
// program, started a second time inside the victim's namespace. What the summary states is
// measured from outside the daemon (requests by the clients, the table by its own netlink socket)
// or is what the daemon tells an operator, when it tells it.
package demo
