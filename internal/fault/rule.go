package fault

import (
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Call is a kind of system call.
type Call uint8

// The kinds of calls a Rule may be about.
const (
	Send    Call = iota + 1 // to a netlink socket: write(2), sendto(2)
	Receive                 // from a netlink socket: recvfrom(2), recvmsg(2)
	Commit                  // an nf_tables transaction: it is not sent, and the answer is a refusal
	Join                    // of a netlink socket, a multicast group: setsockopt(2)
	Socket                  // the making of a netlink socket: socket(2)
	Open                    // of a file: openat(2)
	Read                    // of a file: read(2), pread(2)
	Write                   // to a file, or to the disk: write(2), pwrite(2), fdatasync(2)
)

// Part is a part of the kernel that is spoken to by netlink.
type Part uint8

// The parts of the kernel.
const (
	Diag      Part = iota + 1 // NETLINK_SOCK_DIAG, asked
	Destroyed                 // NETLINK_SOCK_DIAG, its multicast groups
	Tables                    // NETLINK_NETFILTER, nf_tables
	Conntrack                 // NETLINK_NETFILTER, conntrack
	Route                     // NETLINK_ROUTE
)

// Spoil is a change to what was received.
type Spoil uint8

// The changes.
const (
	// Interrupt marks all messages of a dump as interrupted (NLM_F_DUMP_INTR).
	Interrupt Spoil = iota + 1
	// Cut leaves out the second half of each datagram that is more than an answer's end.
	Cut
)

// Rule says which calls go wrong, and how. Part is needed for Send, Receive and Join, Path for files.
type Rule struct {
	Call    Call
	Part    Part
	Path    string     // is part of the file's path
	Errno   unix.Errno // which the call ends with, or a transaction is refused with
	Spoil   Spoil      // in place of an errno, for Receive
	Message int        // of a transaction, the one refused; beyond its last, that one
	Every   int        // goes wrong of so many; 0 and 1: all
	Most    int        // go wrong; 0: as many as there are
}

// Fault is a Rule in force.
type Fault struct {
	rule Rule
	seen atomic.Int64
	hits atomic.Int64
	end  func()
}

// Hits returns how many calls went wrong so far.
func (f *Fault) Hits() int { return int(f.hits.Load()) }

// End puts the rule out of force. It may be called again.
func (f *Fault) End() { f.end() }

// strike reports whether this call, which the rule is about, goes wrong.
func (f *Fault) strike() bool {
	n := f.seen.Add(1)
	if every := int64(max(f.rule.Every, 1)); n%every != 0 {
		return false
	}
	if n := f.hits.Add(1); f.rule.Most > 0 && n > int64(f.rule.Most) {
		f.hits.Add(-1)
		return false
	}
	return true
}

// about reports whether the rule is about a call.
func (r *Rule) about(c *call) bool {
	if r.Call != c.kind {
		return false
	}
	switch r.Call {
	case Send, Receive, Join, Socket:
		return r.Part == c.part
	case Open, Read, Write:
		return c.path != "" && strings.Contains(c.path, r.Path)
	}
	return r.Call == Commit
}
