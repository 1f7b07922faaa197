// Package enforcer makes a policy.Decision hold in the kernel.
//
// Compile turns a decision into a Ruleset, a plain value that prints in nft syntax. Diff compares
// it with what the kernel has and yields a Plan, the operations of one transaction. Table owns
// the netlink socket and applies plans; Closer closes connections. Only Table and Closer touch
// the kernel, and only `table inet ebbgate`, sockets of the policy's services, and conntrack's entries
// of what is passed on for them, and, once the attack is over, of what our rules alone had it track.
//
// The goals, and how the ruleset reaches them:
//
//	P1  Compile of a decision without limits, watched sources, blocks, meters and proxies is the empty
//	    Ruleset, and the empty Ruleset is no table at all.
//	P2  A refused or blocked source is an element with a timeout, and the chains that turn it away
//	    are reached only through a verdict map whose elements have timeouts. A daemon that dies,
//	    hangs or is stopped leaves rules that match nothing, however long its blocks were to last.
//	    What is not leased is notrack: it restores what was before our ct rule switched conntrack
//	    on, and must outlast the lease.
//	P3  The table is owned by Table's socket where the kernel knows ownership, and vanishes with it.
//	P4  Traffic of lo, exempt addresses, and administrators on sshd's ports leave every base chain
//	    that turns packets away in its first rules, and what is exempt from one service leaves that
//	    service's chains. In cut, which sees both directions, they come after what conntrack knows.
//	    Compile and Closer leave out whatever is exempt once more.
//	P5  The meter drops SYNs only beyond their source's rate, and only of sources the decision names.
//	P6  `ct count` is evaluated for watched sources only; everything else is notrack, unless some
//	    other table uses conntrack, which notrack would break.
//	P7  What is turned away is packets to a service's ports, so replies to connections the host
//	    opened pass. Those it opened from a port of a service are not told apart by a block, which
//	    unlike a refusal meets every packet; check warns of ports where that can happen.
//	P13 Refusing comes before closing, so that a closed connection cannot be replaced. What is passed
//	    on has no socket here to destroy: its entry is deleted, its server prodded, and rules answer
//	    whatever either side sends of a connection that conntrack no longer knows.
package enforcer
