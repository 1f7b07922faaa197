// Package lab is a laboratory of network namespaces: a victim, its clients and its attackers,
// joined by veth pairs. It feeds `ebbgate demo`, the end-to-end tests and the benchmarks.
//
//	           10.77.0.0/24  fd77::/64            10.88.0.0/24  fd88::/64
//	clients ─────────────────────────── victim ─────────────────────────── attackers
//	.2, ::2                             .1, ::1                             .2, ::2
//	ClientRange                                                  AttackRange, SpoofRange
//
// A fourth namespace can be added behind the victim, as a container engine does: Lab.AddContainer.
//
// Everything is real: real namespaces, sockets, HTTP and packets; nothing is simulated. The
// namespaces are anonymous. They are held by threads, processes and descriptors of this process
// only, so the kernel removes them, their links and their rules when it ends, SIGKILL included.
//
// What attacks the victim: Hoard (connections that are held, of few sources or of many), Churn
// (connections closed as soon as they are established), and Spoof (SYNs, in the name of few addresses
// or of more than can be real). What looks like an attack and is none: Server.Stall and Server.Leak.
//
// The package needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN, and CAP_NET_RAW for Spoof) and no external
// program. It makes namespaces and acts inside them. It touches no link, address, route, rule or
// sysctl of the namespace it was started in, writes no file outside /proc/sys/net and (ReceiveThreads)
// /sys/class/net of its own namespaces, and sends no packet anywhere else.
//
// Two things serve measuring: Blast sends SYNs as fast as one thread can, and ReceiveThreads tells what
// packets cost the victim from what sending them costs. With Here a process that Namespace.Start put into
// a namespace runs components there, on CPU time of its own.
//
// Every component is started by a Start function with a context and a namespace. It ends with the
// context, with its own Stop, or with Lab.Close, whichever comes first, and leaves no goroutine, no
// thread and no descriptor. A network namespace belongs to a thread, so a socket must be made
// inside Namespace.Do or by a component; once made it may be used from any goroutine.
package lab
