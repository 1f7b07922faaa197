// Package daemon ties the parts together: it watches, decides, enforces and reports, in one loop
// that is the sole owner of the state.
//
// A turn of the loop is: read the counters, policy.Step, look at the table, enforcer.Diff, one
// transaction, close what is to be closed, answer the operator's order if there was one, publish.
// What is published refers to values that are never changed, so that it can be written out while
// the loop turns.
//
// Counting connections and closing them can take a second with a million sockets, so each runs in a
// goroutine of its own, one at a time, and hands its result to the loop through a channel of capacity
// one.
//
// Every error is a fault: it is logged when it appears and when it goes, it shows in the status
// while it lasts, and traffic flows meanwhile (P8). Nothing but a failure to start or a cancelled
// context ends Run.
package daemon
