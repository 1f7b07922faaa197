// Package survey looks at the TCP sockets of a network namespace for an operator, without a
// daemon: counts by state, service and source, sockets whose queues have grown, connections that
// are idle or that an application leaks, and those to be cut by hand.
//
// It dumps sockets over NETLINK_SOCK_DIAG, of the namespace of the thread that opened it. It changes
// nothing, with one exception: Cut closes what Candidates found. Sockets are streamed; what is kept
// of them is bounded (P9):
//
//	sources          maxSources told apart, the lighter ones are summed up
//	listed sockets   as many as the caller asks for, at most MaxTop, those that matter most
//	leaked sockets   maxLeaks whose process is looked for, those that leaked longest
//	to be cut        MaxCut in one run, those idle longest
//
// A dump that is not whole marks the result as incomplete: counts are lower bounds then.
package survey
