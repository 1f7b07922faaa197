// Package ctnetlink reads the kernel's connection tracking table over NETLINK_NETFILTER
// (linux/netfilter/nfnetlink_conntrack.h), and has it forget single entries.
//
// It is how forwarded connections are seen, which have no socket on this host. A dump streams
// through one reused buffer and one reused Entry, without an allocation for each. It
// makes and changes no entry and subscribes to nothing, and neither opening nor dumping makes conntrack look
// at a packet, for only rules do that. Needs CAP_NET_ADMIN. It opens netlink sockets and nothing
// else: no file, no clock, no goroutine.
package ctnetlink
