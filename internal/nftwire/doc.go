// Package nftwire sends transactions to nf_tables (linux/netfilter/nf_tables.h) through a socket
// that can be handed from one process to the next.
//
// A Batch is built in one reused buffer, message by message, elements of sets without an allocation
// for each. Socket.Commit sends it with one system call, whatever its size, and returns the kernel's
// verdict: all of it holds, or nothing does and a Refusal names the message at fault. The verdict is
// the acknowledgement of the last message alone, so that there is never a queue of answers to lose.
//
// A table that is created with NFT_TABLE_F_OWNER belongs to the socket, not to the process: whoever
// holds the descriptor may change it, and it vanishes when nobody does. The package knows nothing of
// what the messages mean beyond elements, and reads nothing: other packages ask the kernel. It opens
// netlink sockets and nothing else: no file, no clock, no goroutine.
package nftwire
