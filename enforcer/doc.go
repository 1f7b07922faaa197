// Package enforcer makes a policy.Decision hold in the kernel.
//
// Compile turns a decision into a Ruleset, a plain value that prints in nft syntax. Diff compares
// it with what the kernel has and yields a Plan, the operations of one transaction. Table owns
// the netlink socket and applies plans; Closer closes connections. Only Table and Closer touch
// the kernel, and only `table inet ebbgate` and sockets of the policy's services.
//
// The goals, and how the ruleset reaches them:
//
//	P1  Compile of a decision without limits is the empty Ruleset, and the empty Ruleset is no
//	    table at all.
//	P2  A refused source is an element with a timeout, and the chains that refuse are reached
//	    only through a verdict map whose elements have timeouts. A daemon that dies, hangs or is
//	    stopped leaves rules that match nothing. What is not leased is notrack: it restores what
//	    was before our ct rule switched conntrack on, and must outlast the lease.
//	P3  The table is owned by Table's socket where the kernel knows ownership, and vanishes with it.
//	P4  Traffic of lo and exempt addresses leave every base chain in its first rules.
//	P6  `ct count` is evaluated for watched sources only; everything else is notrack, unless some
//	    other table uses conntrack, which notrack would break.
//	P13 Refusing comes before closing, so that a closed connection cannot be replaced.
package enforcer
