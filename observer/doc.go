// Package observer turns what the kernel knows about TCP into a policy.Observation: counters,
// SYN-cookie status and accept queues at every tick, and the census of connections per source
// when it is called for and the CPU budget allows it.
//
// It reads the /proc files of one network namespace, dumps its sockets over NETLINK_SOCK_DIAG and
// its addresses over NETLINK_ROUTE. It changes nothing in the kernel, starts no goroutine and
// decides nothing. Whatever could not be read becomes a policy.Fault or an incomplete census,
// never a zero that looks like an answer (P8). What it keeps is bounded (P9):
//
//	listeners        maxListeners
//	census sources   (3 + services) x observe.max_sources while counting, at most 74 bytes each
//	                 (twice that while the table grows); observe.max_sources a service in the result
//	CPU              Budget
package observer
