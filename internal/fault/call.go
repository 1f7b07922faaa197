package fault

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// call is a system call that is asked about, with what it is about found out.
type call struct {
	notice
	kind Call
	part Part
	path string
	sock uint64 // the netlink socket, by its inode; 0: none
	dup  int    // a descriptor of ours for it; -1: none
	head []byte // of what is sent: the first messages
}

// mostHead is how much of what is sent is looked at.
const mostHead = 1 << 20

func (c *call) close() {
	if c.dup >= 0 {
		_ = unix.Close(c.dup)
	}
}

// examine finds out what a call is about.
func (i *Injector) examine(n notice) *call {
	c := &call{notice: n, dup: -1}
	fd := int(int32(n.Args[0]))
	switch n.Number {
	case unix.SYS_OPENAT:
		c.kind, c.path = Open, i.target.text(n.Args[1])
	case unix.SYS_PREAD64:
		c.kind, c.path = Read, i.target.path(fd)
	case unix.SYS_READ:
		c.kind, c.path = Read, i.target.path(fd)
	case unix.SYS_PWRITE64, unix.SYS_FDATASYNC:
		c.kind, c.path = Write, i.target.path(fd)
	case unix.SYS_SOCKET:
		if n.Args[0] == unix.AF_NETLINK {
			c.kind, c.part = Socket, partOf(int(n.Args[2]), 0)
		}
	case unix.SYS_SETSOCKOPT:
		if n.Args[1] == unix.SOL_NETLINK && n.Args[2] == unix.NETLINK_ADD_MEMBERSHIP && i.netlink(c, fd) {
			c.kind = Join
			if c.part == Diag {
				c.part = Destroyed
			}
		}
	case unix.SYS_WRITE, unix.SYS_SENDTO:
		i.sent(c, fd)
	case unix.SYS_RECVFROM, unix.SYS_RECVMSG:
		if i.netlink(c, fd) {
			c.kind = Receive
		}
	}
	return c
}

// sent takes in what is written to a descriptor, and remembers whom of the kernel's a socket speaks to.
func (i *Injector) sent(c *call, fd int) {
	if !i.netlink(c, fd) {
		if c.Number == unix.SYS_WRITE {
			c.kind, c.path = Write, i.target.path(fd)
		}
		return
	}
	c.kind = Send
	c.head = make([]byte, min(c.Args[2], mostHead))
	c.head = c.head[:i.target.read(c.Args[1], c.head)]
	if c.part == Tables || c.part == Conntrack {
		c.part = Tables
		if subsystem(c.head) == unix.NFNL_SUBSYS_CTNETLINK {
			c.part = Conntrack
		}
		i.speaks[c.sock] = c.part
	}
	if c.part == Tables && transaction(c.head) {
		c.kind = Commit
	}
}

// netlink finds out whether a descriptor is a netlink socket, and of which part.
func (i *Injector) netlink(c *call, fd int) bool {
	dup, err := i.target.dup(fd)
	if err != nil {
		return false
	}
	c.dup = dup
	if domain, err := unix.GetsockoptInt(dup, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_NETLINK {
		return false
	}
	protocol, err := unix.GetsockoptInt(dup, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	var st unix.Stat_t
	if err != nil || unix.Fstat(dup, &st) != nil {
		return false
	}
	groups, err := unix.GetsockoptInt(dup, unix.SOL_NETLINK, unix.NETLINK_LIST_MEMBERSHIPS)
	c.sock, c.part = st.Ino, partOf(protocol, i.speaks[st.Ino])
	if c.part == Diag && err == nil && groups != 0 {
		c.part = Destroyed
	}
	return true
}

// partOf names the part behind a netlink protocol. Of one with several parts it is the one that was spoken to
// last, and nf_tables before anything was sent.
func partOf(protocol int, spoken Part) Part {
	switch protocol {
	case unix.NETLINK_SOCK_DIAG:
		return Diag
	case unix.NETLINK_ROUTE:
		return Route
	case unix.NETLINK_NETFILTER:
		return max(spoken, Tables)
	}
	return 0
}

// subsystem is that of the first message to nfnetlink.
func subsystem(b []byte) int {
	if len(b) < unix.NLMSG_HDRLEN {
		return 0
	}
	return int(binary.NativeEndian.Uint16(b[4:]) >> 8)
}

// transaction reports whether messages begin one (NFNL_MSG_BATCH_BEGIN).
func transaction(b []byte) bool {
	return len(b) >= unix.NLMSG_HDRLEN && binary.NativeEndian.Uint16(b[4:]) == unix.NFNL_MSG_BATCH_BEGIN
}
