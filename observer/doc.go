// Package observer turns what the kernel knows about TCP into a policy.Observation: counters,
// SYN-cookie status and accept queues at every tick, the census of connections per source when it
// is called for and the CPU budget allows it, and connections that end, while it is armed; and, where
// a listener is sshd's, who is logged in.
//
// It reads the /proc files of one network namespace, dumps its sockets over NETLINK_SOCK_DIAG,
// its addresses over NETLINK_ROUTE and, where a service asks for forwarded connections, its conntrack
// table over NETLINK_NETFILTER; which unit holds a listener is read from the directories of the cgroup2
// mount, logins from the files of internal/login. A host without systemd has no listener that is known
// to be sshd's. It changes nothing in the kernel and decides nothing. It starts
// one goroutine, the reader of ended connections, which Arm stops. Whatever could not be read
// becomes a policy.Fault or an incomplete census, never a zero that looks like an answer (P8). What
// it keeps is bounded (P9):
//
//	listeners        maxListeners
//	census sources   (3 + services) x observe.max_sources while counting, at most 74 bytes each
//	                 (twice that while the table grows); observe.max_sources a service in the result
//	endings' sources 2 x observe.max_sources while counting, the same size each
//	units            16,384 control groups, 65,536 directories a walk, 16 of them a tick
//	sessions         login.MaxSessions, once a second
//	proven sources   observe.max_sources, at least 65,536; 32 to 64 bytes each
//	CPU              Budget for the census, share for the endings
package observer
