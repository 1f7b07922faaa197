// Package nlwire carries one request to the kernel over netlink (netlink(7)) and streams what it
// answers through one reused buffer.
//
// It knows messages, attributes, sequence numbers, the last word of an answer and the ways in which
// an answer can be less than whole, and nothing of what the messages mean: packages which speak with
// one part of the kernel write and decode the bodies, with what is exported here for both. Who listens to what was not asked for (multicast) reads a bare
// Socket and walks its Messages. It opens netlink sockets and nothing else: no file, no clock, no
// goroutine.
package nlwire
